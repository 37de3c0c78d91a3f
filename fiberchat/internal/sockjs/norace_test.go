//go:build !race

package sockjs

const raceEnabled = false
