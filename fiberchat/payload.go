package fiberchat

import (
	"strconv"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// The JSON bodies of the wire are written by hand: an encoder by reflection
// was a tenth of the server's time at full load.

// appendMessage writes step 3.
func appendMessage(b []byte, m *chat.Message) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, m.ID, 10)
	b = append(b, `,"chatID":`...)
	b = appendString(b, m.ChatID)
	b = append(b, `,"sender":`...)
	b = appendString(b, m.SenderName)
	b = append(b, `,"reciver":`...)
	b = appendString(b, m.ReceiverName)
	b = append(b, `,"content":`...)
	b = appendString(b, m.Content)
	b = append(b, `,"time":`...)
	b = strconv.AppendInt(b, m.Time.UnixMilli(), 10)
	b = append(b, `,"senderId":`...)
	b = strconv.AppendInt(b, m.SenderID, 10)
	b = append(b, `,"reciverId":`...)
	b = strconv.AppendInt(b, m.ReceiverID, 10)
	return append(b, '}')
}

// appendSuccess writes steps 2 and 5.
func appendSuccess(b []byte, msgID string) []byte {
	b = append(b, `{"msgID":`...)
	b = appendString(b, msgID)
	return append(b, `,"code":200,"status":"成功","content":"(=ↀωↀ=)"}`...)
}

// appendFailure writes a notice; an empty msgID is null.
func appendFailure(b []byte, msgID string, f *failure) []byte {
	b = append(b, `{"msgID":`...)
	if msgID == "" {
		b = append(b, "null"...)
	} else {
		b = appendString(b, msgID)
	}
	b = append(b, `,"code":`...)
	b = strconv.AppendInt(b, int64(f.code), 10)
	b = append(b, `,"status":"失败","content":{"error":`...)
	b = appendString(b, f.name)
	b = append(b, `,"message":`...)
	b = appendString(b, f.text)
	return append(b, "}}"...)
}

// appendDelivered notifies a sender that m was confirmed at that time.
func appendDelivered(b []byte, m *chat.Message, at time.Time) []byte {
	b = append(b, `{"msgID":`...)
	b = appendString(b, m.ChatID)
	b = append(b, `,"code":200,"status":"已送达","content":{"id":`...)
	b = strconv.AppendInt(b, m.ID, 10)
	b = append(b, `,"reciverId":`...)
	b = strconv.AppendInt(b, m.ReceiverID, 10)
	b = append(b, `,"time":`...)
	b = strconv.AppendInt(b, at.UnixMilli(), 10)
	return append(b, "}}"...)
}

// sendBody is what came to /socket/chat/send.
type sendBody struct {
	msgID      string
	receiverID int64
	content    string
}

// parseSend reads a SEND's body. What could be read of msgID is set also
// with a failure.
func parseSend(body []byte, maxContent int) (b sendBody, f *failure) {
	var id, content, message, receiver []byte
	ok := eachField(body, func(key string, value []byte) {
		switch key {
		case "msgID":
			id = value
		case "reciverId":
			receiver = value
		case "content":
			content = value
		case "message":
			message = value
		}
	})
	if !ok {
		return b, badJSON()
	}
	if b.msgID, f = parseMsgID(id); f != nil {
		return b, f
	}
	if receiver == nil {
		return b, missingField("reciverId")
	}
	if b.receiverID, ok = parseInteger(receiver); !ok {
		return b, badField("reciverId must be a whole number")
	}
	if content == nil {
		content = message
	}
	if content == nil {
		return b, missingField("content")
	}
	// JSON spells a byte with six at most, so this text is too long.
	if len(content) > 6*maxContent+2 {
		return b, contentTooLarge(maxContent)
	}
	text, ok := parseString(content)
	switch {
	case !ok:
		return b, badField("content must be a text")
	case text == "":
		return b, badField("content must not be empty")
	case len(text) > maxContent:
		return b, contentTooLarge(maxContent)
	}
	b.content = text
	if !validText(text) {
		return b, badField("content must be UTF-8 without NUL")
	}
	return b, nil
}

// parseConfirm reads the body of a confirmation; id is 0 when it has none.
func parseConfirm(body []byte) (msgID string, id int64, f *failure) {
	var rawID, rawSerial []byte
	ok := eachField(body, func(key string, value []byte) {
		switch key {
		case "msgID":
			rawID = value
		case "id":
			rawSerial = value
		}
	})
	if !ok {
		return "", 0, badJSON()
	}
	if msgID, f = parseMsgID(rawID); f != nil {
		return msgID, 0, f
	}
	if rawSerial != nil {
		if id, ok = parseInteger(rawSerial); !ok || id <= 0 {
			return msgID, 0, badField("id must be a whole number above 0")
		}
	}
	return msgID, id, nil
}

func parseMsgID(raw []byte) (string, *failure) {
	if raw == nil {
		return "", missingField("msgID")
	}
	bad := badField("msgID must be a text of 1 to 64 printable ASCII characters without space")
	if len(raw) > 6*64+2 {
		return "", bad
	}
	id, ok := parseString(raw)
	if !ok || !validMsgID(id) {
		return "", bad
	}
	return id, nil
}

func validMsgID(id string) bool { return isPrintable(id, '!') }
