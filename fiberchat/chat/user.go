package chat

// MaxUserID is the highest user id, 9007199254740991. Ids travel as JSON
// numbers, and JavaScript rounds a larger one to somebody else's.
const MaxUserID = 1<<53 - 1

// User is one person who can chat. The app owns its users; chat only needs to
// tell them apart and to show a name.
type User struct {
	// ID routes messages. It is 1 to MaxUserID and never changes; an identity
	// or a directory's user beyond that is refused. Where users are known by
	// UUIDs, give each a number in a column beside it, such as PostgreSQL's
	// "chat_id BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE": a hash of the UUID
	// could be two people's.
	ID int64
	// Name is the user's sign-in name (uname): what clients put into
	// /user/{uname}/recive and read as the sender of a message.
	Name string
}
