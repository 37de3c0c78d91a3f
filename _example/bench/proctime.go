//go:build linux

package main

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// timeOf is the processor time that all processes of a name have used, as far
// as they are still there.
func timeOf(name string) (sum time.Duration, err error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, fmt.Errorf("list processes: %w", err)
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // the process has ended
		}
		if head, _, _ := strings.Cut(string(stat), ") "); !strings.HasSuffix(head, "("+name) {
			continue
		}
		used, err := statTime(string(stat))
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", path, err)
		}
		sum += used
	}
	return sum, nil
}

// statTime is the user and system time in a line of /proc/*/stat, in whole
// ticks of 10 ms.
func statTime(stat string) (sum time.Duration, err error) {
	_, rest, _ := strings.Cut(stat, ") ")
	fields := strings.Fields(rest) // from the state on, which is the third in proc(5)
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(ticks) * 10 * time.Millisecond
	}
	return sum, nil
}

// postgresTime is the processor time of PostgreSQL's processes for a database,
// and of those for all, as far as they are still there and on this machine.
func postgresTime(db *sql.DB, dsn string) (sum time.Duration, err error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return 0, fmt.Errorf("read dsn: %w", err)
	}
	rows, err := db.Query("SELECT pid FROM pg_stat_activity WHERE datname = $1 OR datname IS NULL", u.Path[1:])
	if err != nil {
		return 0, fmt.Errorf("list PostgreSQL's processes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			return 0, fmt.Errorf("list PostgreSQL's processes: %w", err)
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // the process has ended
		}
		used, err := statTime(string(stat))
		if err != nil {
			return 0, fmt.Errorf("read time of process %d: %w", pid, err)
		}
		sum += used
	}
	return sum, rows.Err()
}
