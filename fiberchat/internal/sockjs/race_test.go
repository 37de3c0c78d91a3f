//go:build race

package sockjs

const raceEnabled = true
