// Package chattest tests apps that have chat: a server in a line, users in
// memory, and a client that speaks the protocol through every door.
//
//	func TestGreeting(t *testing.T) {
//		app := fiber.New()
//		users := chattest.Users{"a": {ID: 1, Name: "wususu"}, "b": {ID: 2, Name: "liaojiekx"}}
//		if _, err := fiberchat.New(app, fiberchat.Config{Authenticator: users, Directory: users}); err != nil {
//			t.Fatal(err)
//		}
//		server := chattest.Serve(t, app)
//		wususu, liaojiekx := server.Dial("a"), server.Dial("b", chattest.SockJS("xhr-polling"))
//		if s := wususu.Send(2, "起来聊天"); s.Code != 200 {
//			t.Fatal(s)
//		}
//		m := liaojiekx.Next() // sent by wususu
//		liaojiekx.Confirm(m)
//	}
//
// A [Client] belongs to a test: it fails the test at once when something does
// not come within its [Patience], when the connection ends and when the server
// sends an ERROR. A [Conn] is what a client stands on: it moves frames through
// a door, returns errors and fails nothing, for load, for faults and for
// clients that misbehave.
//
// Serve, At, Server and Dial are in server.go, what a client does in client.go
// and frames.go, a connection in conn.go and options.go, frames and their
// bodies in frame.go, Users in users.go; websocket.go and sockjs.go are the
// doors. example_test.go has a whole test.
package chattest
