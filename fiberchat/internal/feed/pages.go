package feed

const (
	// minRows and maxRows are how many entries are read at once: the fewer
	// to begin with, since only reading shows how long they are.
	minRows, maxRows = 4, 32
)

// pages bounds what is read at once, for it is kept while it waits for space.
// A store takes a number of rows and no size, so the number follows what the
// last page had. It belongs to the goroutine that reads.
type pages struct {
	bytes int // that may be kept, one entry at least
	rows  int // to read next
}

// fit returns what may be kept of a page that was read with p.rows, and whether
// there may be more in the log after it.
func (p *pages) fit(page []Entry) (kept []Entry, more bool) {
	size := 0
	for i := range page {
		size += len(page[i].Body)
		if size > p.bytes && i > 0 {
			clear(page[i:]) // for it to be freed
			p.rows = i
			return page[:i], true
		}
	}
	more = len(page) >= p.rows
	if more && size <= p.bytes/2 {
		p.rows = min(2*p.rows, maxRows)
	}
	return page, more
}
