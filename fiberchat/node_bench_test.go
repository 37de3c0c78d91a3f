package fiberchat

import (
	"fmt"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/hub"
)

// BenchmarkPublicationSkipped: every node hears every publication, so what one
// costs a node with no session of its users is what N nodes pay N times. The
// unit of ns/op is one exchange: a message and its delivered notice.
func BenchmarkPublicationSkipped(b *testing.B) {
	for _, exchanges := range []int{1, 50} {
		b.Run(fmt.Sprintf("exchanges=%d", exchanges), func(b *testing.B) {
			from := newNode(nil, nil)
			at := time.Now()
			data := append([]byte(nil), from.id...)
			for i := range exchanges {
				m := &chat.Message{
					ID: int64(1_000_000 + i), ChatID: "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3", SenderID: int64(2 * i), SenderName: "wususu",
					ReceiverID: int64(2*i + 1), ReceiverName: "liaojiekx", Content: "晚上一起吃饭吗？老地方见", Time: at,
				}
				data = appendEntry(data, entry{kind: entryMessage, userID: m.ReceiverID, id: m.ID, previous: m.ID - 1, body: appendMessage(nil, m)})
				data = appendEntry(data, entry{kind: entryDelivered, userID: m.SenderID, body: appendDelivered(nil, m, at)})
			}
			others := hub.New[*client]()
			for user := range int64(10_000) {
				others.Add(1_000_000+user, new(client), 0)
			}
			node := newNode(&Chat{hub: others}, nil)
			b.ReportAllocs()
			b.ReportMetric(float64(len(data))/float64(exchanges), "B/exchange")
			for n := 0; n < b.N; n += exchanges {
				node.receive(data)
			}
		})
	}
}
