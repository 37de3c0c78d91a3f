//go:build !race

package rig

// Race: the program is built without the race detector, as the tests are.
const Race = false
