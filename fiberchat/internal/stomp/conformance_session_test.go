package stomp

import (
	"fmt"
	"strings"
)

var subscribeRules = []rule{
	{"SUBSCRIBE with a receipt", "012", "SUBSCRIBE\nid:1\ndestination:/a\nreceipt:r\n\n\x00", "subscribe 1 /a | RECEIPT r"},
	{"SUBSCRIBE without a destination", "012", "SUBSCRIBE\nid:1\nreceipt:r\n\n\x00", " | ERROR bad-frame r 1002"},
	{"SUBSCRIBE with an empty destination", "012", "SUBSCRIBE\nid:1\ndestination:\nreceipt:r\n\n\x00", " | ERROR bad-frame r 1002"},
	{"SUBSCRIBE without an id: the destination serves", "12", "SUBSCRIBE\ndestination:/a\nreceipt:r\n\n\x00", "subscribe /a /a | RECEIPT r"},
	{"SUBSCRIBE with an empty id: the destination serves", "12", "SUBSCRIBE\nid:\ndestination:/a\nreceipt:r\n\n\x00", "subscribe /a /a | RECEIPT r"},
	{"SUBSCRIBE without an id in 1.0", "0", "SUBSCRIBE\ndestination:/a\nreceipt:r\n\n\x00", "subscribe  /a | RECEIPT r"},
	{"an id in use", "012", "SUBSCRIBE\nid:1\ndestination:/a\n\n\x00SUBSCRIBE\nid:1\ndestination:/b\nreceipt:r\n\n\x00", "subscribe 1 /a | ERROR bad-frame r 1002"},
	{"an id that serves for a destination in use", "12", "SUBSCRIBE\ndestination:/a\n\n\x00SUBSCRIBE\ndestination:/a\nreceipt:r\n\n\x00", "subscribe /a /a | ERROR bad-frame r 1002"},
	{"one destination twice, with two ids", "012", "SUBSCRIBE\nid:1\ndestination:/a\n\n\x00SUBSCRIBE\nid:2\ndestination:/a\n\n\x00", "subscribe 1 /a, subscribe 2 /a | "},
	{"one destination twice without ids in 1.0", "0", "SUBSCRIBE\ndestination:/a\n\n\x00SUBSCRIBE\ndestination:/a\n\n\x00", "subscribe  /a, subscribe  /a | "},
	{"an id is free after UNSUBSCRIBE", "012", "SUBSCRIBE\nid:1\ndestination:/a\n\n\x00UNSUBSCRIBE\nid:1\n\n\x00SUBSCRIBE\nid:1\ndestination:/b\n\n\x00", "subscribe 1 /a, unsubscribe 1, subscribe 1 /b | "},
	{"an id with escapes", "12", "SUBSCRIBE\nid:a\\cb\ndestination:/a\n\n\x00UNSUBSCRIBE\nid:a\\cb\n\n\x00", "subscribe a:b /a, unsubscribe a:b | "},
	{"ack auto", "012", "SUBSCRIBE\nid:1\ndestination:/a\nack:auto\n\n\x00", "subscribe 1 /a | "},
	{"ack client", "012", "SUBSCRIBE\nid:1\ndestination:/a\nack:client\n\n\x00", "subscribe 1 /a | "},
	{"ack client-individual", "012", "SUBSCRIBE\nid:1\ndestination:/a\nack:client-individual\n\n\x00", "subscribe 1 /a | "},
	{"ack in capitals", "012", "SUBSCRIBE\nid:1\ndestination:/a\nreceipt:r\nack:AUTO\n\n\x00", " | ERROR bad-frame r 1002"},
	{"an empty ack", "012", "SUBSCRIBE\nid:1\ndestination:/a\nreceipt:r\nack:\n\n\x00", " | ERROR bad-frame r 1002"},
	{"32 subscriptions", "2", subscriptions(32), strings.Join(subscribed(32), ", ") + " | RECEIPT 31"},
	{"33 subscriptions", "2", subscriptions(33), strings.Join(subscribed(32), ", ") + " | ERROR too-many-subscriptions 32 1008"},

	{"UNSUBSCRIBE by id", "012", "SUBSCRIBE\nid:1\ndestination:/a\n\n\x00UNSUBSCRIBE\nid:1\nreceipt:r\n\n\x00", "subscribe 1 /a, unsubscribe 1 | RECEIPT r"},
	{"UNSUBSCRIBE of an unknown id", "012", "UNSUBSCRIBE\nid:9\nreceipt:r\n\n\x00", " | RECEIPT r"},
	{"UNSUBSCRIBE by the destination that serves as id", "12", "SUBSCRIBE\ndestination:/a\n\n\x00UNSUBSCRIBE\nid:/a\nreceipt:r\n\n\x00", "subscribe /a /a, unsubscribe /a | RECEIPT r"},
	{"UNSUBSCRIBE without an id", "12", "UNSUBSCRIBE\nreceipt:r\n\n\x00", " | ERROR bad-frame r 1002"},
	{"UNSUBSCRIBE with a destination alone", "12", "SUBSCRIBE\nid:1\ndestination:/a\n\n\x00UNSUBSCRIBE\ndestination:/a\nreceipt:r\n\n\x00", "subscribe 1 /a | ERROR bad-frame r 1002"},
	{"UNSUBSCRIBE by destination in 1.0", "0", "SUBSCRIBE\ndestination:/a\n\n\x00UNSUBSCRIBE\ndestination:/a\nreceipt:r\n\n\x00", "subscribe  /a, unsubscribe  | RECEIPT r"},
	{"UNSUBSCRIBE by destination of a subscription with an id in 1.0", "0", "SUBSCRIBE\nid:1\ndestination:/a\n\n\x00UNSUBSCRIBE\ndestination:/a\nreceipt:r\n\n\x00", "subscribe 1 /a, unsubscribe 1 | RECEIPT r"},
	{"UNSUBSCRIBE by destination ends the first one in 1.0", "0", "SUBSCRIBE\nid:1\ndestination:/a\n\n\x00SUBSCRIBE\nid:2\ndestination:/a\n\n\x00UNSUBSCRIBE\ndestination:/a\n\n\x00", "subscribe 1 /a, subscribe 2 /a, unsubscribe 1 | "},
	{"UNSUBSCRIBE with neither in 1.0", "0", "UNSUBSCRIBE\nreceipt:r\n\n\x00", " | ERROR bad-frame r 1002"},
}

var otherRules = []rule{
	{"SEND with a receipt", "012", "SEND\ndestination:/a\nreceipt:r\n\nx\x00", "send /a x | RECEIPT r"},
	{"SEND without a receipt", "012", "SEND\ndestination:/a\n\nx\x00", "send /a x | "},
	{"an empty receipt asks for none", "012", "SEND\ndestination:/a\nreceipt:\n\nx\x00", "send /a x | "},
	{"SEND without a destination", "012", "SEND\nreceipt:r\n\nx\x00", " | ERROR bad-frame r 1002"},
	{"SEND with an empty destination", "012", "SEND\ndestination:\nreceipt:r\n\nx\x00", " | ERROR bad-frame r 1002"},
	{"frames are carried out in their order", "012", "SEND\ndestination:/a\nreceipt:1\n\n\x00SUBSCRIBE\nid:1\ndestination:/b\nreceipt:2\n\n\x00SEND\ndestination:/c\nreceipt:3\n\n\x00", "send /a , subscribe 1 /b, send /c  | RECEIPT 1, RECEIPT 2, RECEIPT 3"},

	{"ACK of an unknown id", "012", "ACK\nid:9\nmessage-id:9\nreceipt:r\n\n\x00", " | RECEIPT r"},
	{"ACK without an id", "012", "ACK\nreceipt:r\n\n\x00", " | RECEIPT r"},
	{"ACK of a subscription that may not", "012", "SUBSCRIBE\nid:1\ndestination:/a\nack:auto\n\n\x00ACK\nid:1-1-255\nreceipt:r\n\n\x00", "subscribe 1 /a | RECEIPT r"},
	{"ACK by its own header", "2", "SUBSCRIBE\nid:1\ndestination:/a\nack:client\n\n\x00ACK\nid:1-1-255\nreceipt:r\n\n\x00", "subscribe 1 /a, ack 1 255 | RECEIPT r"},
	{"ACK by message-id", "01", "SUBSCRIBE\nid:1\ndestination:/a\nack:client\n\n\x00ACK\nmessage-id:1-1-255\nsubscription:1\nreceipt:r\n\n\x00", "subscribe 1 /a, ack 1 255 | RECEIPT r"},
	{"NACK of an unknown id", "012", "NACK\nid:9\nreceipt:r\n\n\x00", " | RECEIPT r"},
	{"NACK leaves the message as it is", "12", "SUBSCRIBE\nid:1\ndestination:/a\nack:client\n\n\x00NACK\nid:1-1-255\nreceipt:r\n\n\x00", "subscribe 1 /a | RECEIPT r"},

	{"BEGIN", "012", "BEGIN\ntransaction:t\nreceipt:r\n\n\x00", " | ERROR transactions-unsupported r 1002"},
	{"COMMIT", "012", "COMMIT\ntransaction:t\nreceipt:r\n\n\x00", " | ERROR transactions-unsupported r 1002"},
	{"ABORT", "012", "ABORT\ntransaction:t\nreceipt:r\n\n\x00", " | ERROR transactions-unsupported r 1002"},
	{"SEND in a transaction", "012", "SEND\ndestination:/a\ntransaction:t\nreceipt:r\n\n\x00", " | ERROR transactions-unsupported r 1002"},
	{"ACK in a transaction", "012", "ACK\nid:1\ntransaction:t\nreceipt:r\n\n\x00", " | ERROR transactions-unsupported r 1002"},
	{"DISCONNECT in a transaction", "012", "DISCONNECT\ntransaction:t\nreceipt:r\n\n\x00", " | ERROR transactions-unsupported r 1002"},

	{"DISCONNECT with a receipt", "012", "DISCONNECT\nreceipt:bye\n\n\x00", "disconnect | RECEIPT bye, CLOSE 1000"},
	{"DISCONNECT without a receipt", "012", "DISCONNECT\n\n\x00", "disconnect | CLOSE 1000"},
	{"DISCONNECT after what came before it", "012", "SEND\ndestination:/a\nreceipt:1\n\nx\x00DISCONNECT\nreceipt:2\n\n\x00", "send /a x, disconnect | RECEIPT 1, RECEIPT 2, CLOSE 1000"},
	{"nothing after DISCONNECT is carried out", "012", "DISCONNECT\nreceipt:bye\n\n\x00SEND\ndestination:/a\n\nx\x00", "disconnect | RECEIPT bye, CLOSE 1000"},
}

// subscriptions is n SUBSCRIBEs, the last of which asks for a receipt.
func subscriptions(n int) (in string) {
	for i := range n {
		in += fmt.Sprintf("SUBSCRIBE\nid:%d\ndestination:/a\n", i)
		if i == n-1 {
			in += fmt.Sprintf("receipt:%d\n", i)
		}
		in += "\n\x00"
	}
	return in
}

// subscribed is what a Handler notes of them.
func subscribed(n int) (calls []string) {
	for i := range n {
		calls = append(calls, fmt.Sprintf("subscribe %d /a", i))
	}
	return calls
}
