package sockjs

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// many is a body of n messages, of all kinds of characters, and their text.
func many(n int) (body, text string) {
	var b, t strings.Builder
	for i := range n {
		separator := ","
		if i == 0 {
			separator = "["
		}
		// A pair cut in two, as clients cut their frames.
		fmt.Fprintf(&b, `%s "%d 聊\u804a\"","\ud83d" ,"\ude00"`, separator, i)
		fmt.Fprintf(&t, `%d 聊聊"😀`, i)
	}
	return b.String() + "]", t.String()
}

// A client whose messages wait for one request puts them all into the next:
// it gets through, in order, whether the app has bodies read before or not.
func TestLongBody(t *testing.T) {
	t.Parallel()
	body, want := many(3000)
	for _, streamed := range []bool{false, true} {
		for name, send := range map[string]func(addr, path string) int{
			"xhr_send": func(addr, path string) int { return post(t, addr, path+"/xhr_send", body).status },
			"jsonp_send": func(addr, path string) int {
				return post(t, addr, path+"/jsonp_send", "d="+url.QueryEscape(body), formType).status
			},
		} {
			t.Run(fmt.Sprint(name, ", streamed ", streamed), func(t *testing.T) {
				t.Parallel()
				got := make(chan string, 1)
				server := New(Config{Key: func(*fiber.Ctx) string { return "" }, MaxInbound: 1 << 10, Open: serving(func(conn Conn) {
					text := make([]byte, len(want))
					_, err := io.ReadFull(conn, text)
					if err != nil {
						t.Error(err)
					}
					got <- string(text)
					wait(conn)
				})})
				app := fiber.New(fiber.Config{DisableStartupMessage: true, StreamRequestBody: streamed})
				app.Use("/echo", server.Handler)
				addr := listen(t, app, server)
				path := "/echo" + newSessionPath()
				stream := xhrStream(t, addr, path)
				stream.want("o\n")
				if status := send(addr, path); status != http.StatusOK && status != http.StatusNoContent {
					t.Fatal("answered ", status)
				}
				equal(t, "text", <-got, want)
				sent(t, addr, path+"/xhr_send", `["x"]`) // and the session goes on
			})
		}
	}
}

// taking begins to give body to s, and reads the first octet of it there.
func taking(t *testing.T, s *session, body io.Reader) (took chan error) {
	t.Helper()
	took = make(chan error, 1)
	go func() { took <- s.take(body, nil) }()
	if _, err := s.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return took
}

// However long a body is, the session holds no more of it than the bound, and
// no more than that is read ahead; nobody else's body comes between.
func TestLongBodyIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bare(Config{MaxInbound: 100})
		r, _ := s.attach()
		body, text := many(100)
		rest := strings.NewReader(body)
		took := taking(t, s, rest)
		equal(t, "beside it", s.take(strings.NewReader(`["x"]`), nil), errBusy)
		got := text[:1]
		for buf := make([]byte, 40); len(got) < len(text); {
			n, err := s.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			got += string(buf[:n])
			synctest.Wait()
			s.mu.Lock()
			if s.in.Len() > 100 {
				t.Errorf("%d bytes wait to be read", s.in.Len())
			}
			s.mu.Unlock()
			// A character is up to six bytes of body, and spaces are nothing in the text.
			if read := len(body) - rest.Len(); read > 8*len(got)+300 {
				t.Errorf("%d of %d bytes were read when %d had been", read, len(body), len(got))
			}
		}
		equal(t, "text", got, text)
		equal(t, "answer", <-took, nil)
		equal(t, "after it", s.take(strings.NewReader(`["x"]`), nil), nil)
		s.Close(1000, "")
		s.detach(r)
		time.Sleep(6 * time.Second)
	})
}

// A long body that fails in the middle ends its session: a part of it was
// taken, and a client that repeats it would be misunderstood.
func TestLongBodyFails(t *testing.T) {
	t.Parallel()
	body, _ := many(100)
	oh := errors.New("oh")
	for name, c := range map[string]struct {
		rest io.Reader
		want error
	}{
		"cut off":        {iotest.ErrReader(oh), errCut},
		"ended early":    {strings.NewReader(""), errBroken},
		"no array":       {strings.NewReader(`,"x"`), errBroken},
		"no message":     {strings.NewReader(`,]`), errBroken},
		"a longer one":   {strings.NewReader(`,"` + strings.Repeat("x", 100) + `"]`), errTooLong},
		"not read on":    {strings.NewReader("," + body[1:]), errBusy},
		"something else": {strings.NewReader(`, 7]`), errBroken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := bare(Config{MaxInbound: 100})
				r, _ := s.attach()
				took := taking(t, s, io.MultiReader(strings.NewReader(`["abcdefghi", `+strings.Repeat(`"b" ,`, 20)+`"c"`), c.rest))
				if name != "not read on" {
					go func() { _, _ = io.Copy(io.Discard, onlyReader{s}) }()
				}
				if err := <-took; !errors.Is(err, c.want) {
					t.Errorf("answer: got %v, want %v", err, c.want)
				}
				equal(t, "a repetition", s.take(strings.NewReader(`["x"]`), nil), errLeft)
				wantFrames(t, s, "o", interrupted)
				s.detach(r)
				time.Sleep(6 * time.Second)
			})
		})
	}
}

type onlyReader struct{ io.Reader }

// deadlines is a connection that notes how long its reads may take.
type deadlines struct {
	net.Conn
	set []time.Duration
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.set = append(d.set, time.Until(at))
	return nil
}

// An upload over a slow network is alive as long as something of it comes, and
// nobody waits for the rest when the session is over.
func TestSlowUpload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bare(Config{})
		signs := 0
		s.Watch(func() { signs++ })
		conn := &deadlines{}
		ctx := &fasthttp.RequestCtx{}
		ctx.Init2(conn, nil, false)
		u := &upload{ctx: ctx, body: iotest.OneByteReader(strings.NewReader("abc")), session: s}
		buf := make([]byte, 10)
		for range 2 {
			if n, err := u.Read(buf); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			time.Sleep(time.Second)
		}
		equal(t, "signs of life", signs, 2)
		equal(t, "time", fmt.Sprint(conn.set), "[30s 30s]")
		s.Close(1000, "")
		_, err := u.Read(buf)
		equal(t, "afterwards", err, io.EOF)
		time.Sleep(6 * time.Second)
	})
}

// FuzzLongBody holds a body that is taken in parts, however they fall, against
// the same one as a whole.
func FuzzLongBody(f *testing.F) {
	body, _ := many(20)
	f.Add([]byte(body), uint8(50))
	for _, body := range []string{`["a","b"]`, `["a",]`, `["\ud83d","\ude00"]  `, `["a","b"`, `["a"],"b"]`, "[\"\xff\",\"b\"]", `  [ "a" , "b" ] x`, `[]`} {
		f.Add([]byte(body), uint8(3))
	}
	f.Fuzz(func(t *testing.T, body []byte, limit uint8) {
		var whole decoder
		want, wantErr := whole.array(nil, body)
		s := bare(Config{MaxInbound: int(limit) + 1})
		defer s.expireNow()
		read := make(chan string)
		go func() {
			got, _ := io.ReadAll(onlyReader{s})
			read <- string(got)
		}()
		err := s.take(iotest.HalfReader(strings.NewReader(string(body))), nil)
		s.lost() // which leaves what was taken to the reader
		got := <-read
		switch {
		case err == nil && wantErr == nil:
			if got != string(want) || s.dec != whole {
				t.Fatalf("%q by %d: got %q, want %q", body, limit, got, want)
			}
		case err == nil:
			t.Fatalf("%q by %d: taken in parts, but as a whole %v", body, limit, wantErr)
		case wantErr == nil && (!errors.Is(err, errTooLong) || !strings.HasPrefix(string(want), got)):
			t.Fatalf("%q by %d: %q, then %v", body, limit, got, err)
		}
	})
}
