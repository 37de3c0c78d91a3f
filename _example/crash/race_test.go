//go:build race

package crash

// raceEnabled: the server under test is built with the race detector too.
const raceEnabled = true
