package fiberchat_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fiberchat.example/fiberchat"
)

// A handshake as it should be (RFC 6455, 4.1).
var goodHandshake = []string{
	"Host: test.example", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + wsKey,
}

// with has these header lines in place of all of the same names.
func with(lines ...string) []string {
	return append(slices.DeleteFunc(slices.Clone(goodHandshake), func(good string) bool {
		return slices.ContainsFunc(lines, func(line string) bool { return lineName(line) == lineName(good) })
	}), lines...)
}

func without(name string) []string {
	return slices.DeleteFunc(slices.Clone(goodHandshake), func(good string) bool { return lineName(good) == lineName(name) })
}

func lineName(line string) string {
	name, _, _ := strings.Cut(strings.ToLower(line), ":")
	return name
}

func offered(protocols ...string) []string {
	var lines []string
	for _, p := range protocols {
		lines = append(lines, "Sec-WebSocket-Protocol: "+p)
	}
	return with(lines...)
}

func keys(keys ...string) []string {
	var lines []string
	for _, k := range keys {
		lines = append(lines, "Sec-WebSocket-Key: "+k)
	}
	return with(lines...)
}

// handshakeRule is a row of RFC 6455, a request for it, and the answer.
type handshakeRule struct {
	rule     string
	lines    []string
	status   int
	protocol string // of those offered
}

func handshakeRules() (rules []handshakeRule) {
	add := func(status int, rule string, lines []string) {
		rules = append(rules, handshakeRule{rule: rule, lines: lines, status: status})
	}
	const opened, refused, bad = http.StatusSwitchingProtocols, http.StatusUpgradeRequired, http.StatusBadRequest

	add(opened, "4.1 as it should be", goodHandshake)
	add(opened, "4.1 with the headers of a browser", with("Origin: http://test.example", "User-Agent: x", "Pragma: no-cache", "Cache-Control: no-cache"))
	add(opened, "9110 5.1 names in small letters", strings.Split(strings.ToLower(strings.Join(without("Sec-WebSocket-Key"), "\n"))+"\nsec-websocket-key: "+wsKey, "\n"))
	add(opened, "9110 5.1 names in capitals", with("CONNECTION: Upgrade", "UPGRADE: websocket", "SEC-WEBSOCKET-VERSION: 13", "SEC-WEBSOCKET-KEY: "+wsKey))

	add(opened, "4.2.1.3 Upgrade: WebSocket", with("Upgrade: WebSocket"))
	add(opened, "4.2.1.3 Upgrade: WEBSOCKET", with("Upgrade: WEBSOCKET"))
	add(opened, "9110 7.8 Upgrade: a list, last", with("Upgrade: h2c, websocket"))
	add(opened, "9110 7.8 Upgrade: a list, first", with("Upgrade: websocket, h2c"))
	add(opened, "9110 7.8 Upgrade: behind a protocol with a version", with("Upgrade: HTTP/2.0, websocket"))
	add(opened, "9110 5.3 Upgrade: two lines", with("Upgrade: h2c", "Upgrade: websocket"))
	add(opened, "9110 5.6.1 Upgrade: an empty element", with("Upgrade: , websocket"))
	add(refused, "4.2.1.3 Upgrade: none", without("Upgrade"))
	add(refused, "4.2.1.3 Upgrade: empty", with("Upgrade: "))
	add(refused, "4.2.1.3 Upgrade: h2c", with("Upgrade: h2c"))
	add(refused, "4.2.1.3 Upgrade: websocketx", with("Upgrade: websocketx"))
	add(refused, "4.2.1.3 Upgrade: xwebsocket", with("Upgrade: xwebsocket"))
	add(refused, "4.2.1.3 Upgrade: web socket", with("Upgrade: web socket"))

	add(opened, "4.2.1.4 Connection: upgrade", with("Connection: upgrade"))
	add(opened, "4.2.1.4 Connection: UPGRADE", with("Connection: UPGRADE"))
	add(opened, "9110 7.6.1 Connection: a list, last", with("Connection: keep-alive, Upgrade"))
	add(opened, "9110 7.6.1 Connection: a list, first", with("Connection: Upgrade,keep-alive"))
	add(opened, "9110 5.6.1 Connection: empty elements", with("Connection: ,keep-alive, , Upgrade ,"))
	add(opened, "9110 5.3 Connection: two lines, last", with("Connection: keep-alive", "Connection: Upgrade"))
	add(opened, "9110 5.3 Connection: two lines, first", with("Connection: Upgrade", "Connection: keep-alive"))
	add(opened, "9110 5.3 Connection: three lines", with("Connection: keep-alive", "Connection: x, Upgrade", "Connection: y"))
	add(refused, "9112 9.6 Connection: close behind it", with("Connection: Upgrade, close"))
	add(refused, "9112 9.6 Connection: close in a line before", with("Connection: close", "Connection: Upgrade"))
	add(refused, "9112 9.6 Connection: close in a line behind", with("Connection: Upgrade", "Connection: close"))
	add(refused, "4.2.1.4 Connection: none", without("Connection"))
	add(refused, "4.2.1.4 Connection: empty", with("Connection: "))
	add(refused, "4.2.1.4 Connection: close", with("Connection: close"))
	add(refused, "4.2.1.4 Connection: keep-alive", with("Connection: keep-alive"))
	add(refused, "4.2.1.4 Connection: notupgrade", with("Connection: notupgrade"))
	add(refused, "4.2.1.4 neither Connection nor Upgrade", slices.Concat(goodHandshake[:1], goodHandshake[3:]))
	add(refused, "4.2.1 a plain GET", goodHandshake[:1])

	add(opened, "4.2.1.6 version: blanks around", with("Sec-WebSocket-Version:  13 "))
	for _, version := range []string{"0", "7", "8", "12", "14", "1", "3", "013", "13.0", "x", "", "-13", "130", "8, 13", "13, 13"} {
		add(refused, "4.2.1.6 version: "+version, with("Sec-WebSocket-Version: "+version))
	}
	add(refused, "4.2.1.6 version: none", without("Sec-WebSocket-Version"))
	add(refused, "11.3.5 version: two lines", with("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8"))
	add(refused, "11.3.5 version: two lines alike", with("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13"))

	add(opened, "4.2.1.5 key: blanks around", keys("  "+wsKey+" "))
	for name, key := range map[string]string{
		"empty": "", "no base64": "###", "blanks within": "dGhlIHNhbXBs ZSBub25jZQ==", "base64 of 3 octets": "dGhl",
		"base64 of 15 octets": "dGhlIHNhbXBsZSBub25j", "base64 of 17 octets": "dGhlIHNhbXBsZSBub25jZXM=",
		"base64 of 32 octets": "dGhlIHNhbXBsZSBub25jZXMhdGhlIHNhbXBsZSBub25jZXM=", "no padding": "dGhlIHNhbXBsZSBub25jZQ",
		"half of the padding": "dGhlIHNhbXBsZSBub25jZQ=", "base64url": "_-hlIHNhbXBsZSBub25jZQ==", "two in a line": wsKey + ", " + wsKey,
	} {
		add(bad, "4.2.1.5 key: "+name, keys(key))
	}
	add(bad, "4.2.1.5 key: none", without("Sec-WebSocket-Key"))
	add(bad, "11.3.1 key: two", keys(wsKey, "x3JJHMbDL1EzLkh9GBhXDw=="))
	add(bad, "11.3.1 key: the same twice", keys(wsKey, wsKey))

	for _, extensions := range []string{"permessage-deflate", "permessage-deflate; client_max_window_bits", "x-webkit-deflate-frame, x-foo; a=1"} {
		add(opened, "9.1 extensions: none is taken of "+extensions, with("Sec-WebSocket-Extensions: "+extensions))
	}
	for protocol, offers := range map[string][][]string{
		"v12.stomp": {
			{"v12.stomp"}, {"v10.stomp, v11.stomp, v12.stomp"}, {"v12.stomp,v11.stomp,v10.stomp"}, {"v11.stomp , v12.stomp"},
			{"v10.stomp", "v11.stomp", "v12.stomp"}, {"v12.stomp", "v10.stomp"}, {"x", "v10.stomp, v12.stomp"}, {"v12.stomp, v12.stomp"}, {", v12.stomp,"},
		},
		"v11.stomp": {{"v11.stomp"}, {"v10.stomp, v11.stomp"}, {"v11.stomp", "v10.stomp"}, {"mqtt, v11.stomp"}, {"v13.stomp, v11.stomp"}},
		"v10.stomp": {{"v10.stomp"}, {"v10.stomp, mqtt"}, {"stomp", "v10.stomp"}},
		"":          {{"mqtt"}, {"V12.STOMP"}, {"v12.stomp2"}, {"v13.stomp"}, {""}, {"v12.stomp;q=1"}, {"stomp", "mqtt"}},
	} {
		for _, lines := range offers {
			rules = append(rules, handshakeRule{
				rule: "4.2.2.5 sub-protocol: of " + strings.Join(lines, " | "), lines: offered(lines...), status: opened, protocol: protocol,
			})
		}
	}
	return rules
}

// TestWebSocketHandshake holds each door's answers against RFC 6455, 4.2. Those
// of SockJS's own are 400 where the others say 426, as its protocol wants.
func TestWebSocketHandshake(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{UserSessions: -1}})
	rules := handshakeRules()
	for _, d := range wsDoors {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range rules {
				t.Run(r.rule, func(t *testing.T) { d.shake(t, s.addr, r) })
			}
		})
	}
}

func (d wsDoor) request(method, token, proto string, lines []string) string {
	return method + " " + d.path + "?srect=" + token + " " + proto + "\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func (d wsDoor) shake(t *testing.T, addr string, r handshakeRule) {
	c := dialTCP(t, addr)
	// What follows in the same segment is read too.
	follows := d.spell("CONNECT\naccept-version:1.2\n\n\x00")
	if r.status != http.StatusSwitchingProtocols {
		follows = ""
	}
	resp := c.shake(t, d.request(http.MethodGet, "t-alice", "HTTP/1.1", r.lines)+whole(text, follows))
	if resp.StatusCode != http.StatusSwitchingProtocols {
		d.wantRefused(t, resp, r.status)
		return
	}
	h := resp.Header
	if r.status != resp.StatusCode {
		t.Fatalf("status %d, want %d", resp.StatusCode, r.status)
	}
	if h.Get("Sec-WebSocket-Accept") != wsAccept || !strings.EqualFold(h.Get("Upgrade"), "websocket") || !strings.EqualFold(h.Get("Connection"), "Upgrade") {
		t.Error("the headers of the upgrade are", h)
	}
	if got := h.Values("Sec-WebSocket-Protocol"); strings.Join(got, "|") != r.protocol {
		t.Errorf("sub-protocol %q, want %q", got, r.protocol)
	}
	if got := h.Get("Sec-WebSocket-Extensions"); got != "" {
		t.Errorf("extensions %q", got)
	}
	for {
		_, payload, err := c.read()
		if err != nil {
			t.Fatal(err)
		}
		if payload != "o" {
			return // CONNECTED
		}
	}
}

func (c wsConn) shake(t *testing.T, request string) *http.Response {
	t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// wantRefused holds a refusal against RFC 6455, 4.2.2 and 4.4, and RFC 9110,
// 7.8 and 15.5.22.
func (d wsDoor) wantRefused(t *testing.T, resp *http.Response, status int) {
	t.Helper()
	if d.sockJS && status == http.StatusUpgradeRequired {
		status = http.StatusBadRequest
	}
	if resp.StatusCode != status {
		t.Fatalf("status %d, want %d", resp.StatusCode, status)
	}
	h := resp.Header
	if got := h.Get("Sec-WebSocket-Version"); got != "13" {
		t.Errorf("version %q", got)
	}
	connection := h.Get("Connection")
	if resp.Close || connection == "keep-alive" { // what fasthttp says to HTTP/1.0 and to close
		connection = "Upgrade"
	}
	if status == http.StatusUpgradeRequired && (h.Get("Upgrade") != "websocket" || connection != "Upgrade") {
		t.Error("the headers are", h)
	}
}

// TestWebSocketHandshakeOrder: what HTTP and the token have to say comes first.
func TestWebSocketHandshakeOrder(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	for _, d := range wsDoors {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range []struct {
				method, token, proto string
				lines                []string
				status               int
			}{
				{"GET", "t-nobody", "HTTP/1.1", goodHandshake, http.StatusUnauthorized},
				{"GET", "t-nobody", "HTTP/1.1", with("Sec-WebSocket-Version: 8"), http.StatusUnauthorized},
				{"GET", "", "HTTP/1.1", without("Sec-WebSocket-Key"), http.StatusUnauthorized},
				{"GET", "t-nobody", "HTTP/1.1", goodHandshake[:1], http.StatusUnauthorized},
				{"GET", "t-nobody", "HTTP/1.0", goodHandshake, http.StatusUnauthorized},
				{"GET", "t-alice", "HTTP/1.0", goodHandshake, http.StatusUpgradeRequired},
				{"GET", "t-alice", "HTTP/1.0", with("Connection: keep-alive, Upgrade"), http.StatusUpgradeRequired},
				{"POST", "t-alice", "HTTP/1.1", with("Content-Length: 0"), http.StatusMethodNotAllowed},
				{"PUT", "t-alice", "HTTP/1.1", with("Content-Length: 0"), http.StatusMethodNotAllowed},
				{"DELETE", "t-alice", "HTTP/1.1", goodHandshake, http.StatusMethodNotAllowed},
				{"GET", "t-alice", "HTTP/1.1", without("Host"), http.StatusBadRequest},
				{"GET", "t-alice", "HTTP/1.1", with("Host: test.example", "Host: other.example"), http.StatusBadRequest},
			} {
				resp := dialTCP(t, s.addr).shake(t, d.request(r.method, r.token, r.proto, r.lines))
				switch {
				case r.status == http.StatusUpgradeRequired:
					d.wantRefused(t, resp, r.status)
				case resp.StatusCode != r.status:
					t.Errorf("%s %s %s: status %d, want %d", r.method, r.proto, r.token, resp.StatusCode, r.status)
				case r.status == http.StatusMethodNotAllowed && resp.Header.Get("Allow") == "":
					t.Errorf("%s: no Allow", r.method)
				}
			}
		})
	}
}
