package stomp

import (
	"strings"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	const head = "SEND\ndestination:/socket/chat/send\ncontent-type:application/json\nreceipt:message-12345\ncontent-length:"
	frame := head + "86\n\n" + `{"msgID":"` + strings.Repeat("a", 40) + `","reciverId":2,"content":"hello world"}` + "\x00"
	frame = strings.Replace(frame, "length:86", "length:"+itoa(len(frame)-len(head)-5), 1)
	b.SetBytes(int64(len(frame)))
	b.ReportMetric(float64(len(frame)), "bytes")
	d := newDecoder(V12)
	b.ReportAllocs()
	for b.Loop() {
		d.Filled(copy(d.Space(), frame))
		f, err := d.Next()
		if err != nil || f == nil || len(f.Destination()) == 0 {
			b.Fatal(f, err)
		}
		if f, err = d.Next(); f != nil || err != nil {
			b.Fatal(f, err)
		}
	}
}

func itoa(n int) string { return string([]byte{'0' + byte(n/10), '0' + byte(n%10)}) }

func BenchmarkEncode(b *testing.B) {
	sub := &Subscription{head: messageHead("sub-0", "/user/2/recive", V12)}
	body := []byte(`{"id":255,"chatID":"` + strings.Repeat("a", 40) + `","sender":"wususu","reciver":"liaojiekx","content":"` + strings.Repeat("起", 26) + `","time":1504712402000,"senderId":1,"reciverId":2}`)
	var buf []byte
	var serial uint64
	b.ReportAllocs()
	for b.Loop() {
		serial++
		buf = appendMessage(buf[:0], sub, V12, serial, 0, body)
	}
	b.SetBytes(int64(len(buf)))
	b.ReportMetric(float64(len(buf)), "bytes")
}
