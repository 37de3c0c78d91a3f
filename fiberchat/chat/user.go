package chat

// MaxUserID is the highest user id. Ids travel as JSON numbers, and JavaScript
// rounds larger ones to somebody else's.
const MaxUserID = 1<<53 - 1

// User is one person who can chat. The app owns its users; chat only needs to
// tell them apart and to show a name.
type User struct {
	// ID routes messages. It is positive, at most MaxUserID, and never
	// changes.
	ID int64
	// Name is the user's sign-in name (uname): what clients put into
	// /user/{uname}/recive and read as the sender of a message.
	Name string
}
