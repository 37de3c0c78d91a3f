//go:build linux

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"os"
	"time"
)

// measureRabbitMQ makes the same exchange through RabbitMQ's Web STOMP:
// durable queues, persistent messages, a receipt for the sender once the
// message is stored, and one for the receiver's acknowledgement.
func measureRabbitMQ(o options, r *report) error {
	addr := cmp.Or(os.Getenv("RABBITMQ_WEB_STOMP"), "127.0.0.1:15674")
	conn, err := net.DialTimeout("tcp", addr, setupTimeout)
	if err != nil {
		return missing("rabbitmq", fmt.Errorf("no RabbitMQ with rabbitmq_web_stomp enabled: %w", err))
	}
	conn.Close()
	r.table(fmt.Sprintf("The same exchange through RabbitMQ Web STOMP, medians of %d runs", o.runs),
		"pairs", "exchanges/s", "server CPU", "delivery p50 / p99", "status p50 / p99", "generator CPU")
	for _, n := range o.pairs {
		m, err := runRabbitMQ(o, addr, n)
		if err != nil {
			// It is not what is measured here: the other figures stand.
			r.row(fmt.Sprint(n), "failed: "+err.Error(), "", "", "", "")
			continue
		}
		r.row(fmt.Sprint(n), fmt.Sprintf("%.0f", m.Exchanges), micros(m.CPU), m.Delivery.String(), m.Status.String(), micros(m.GeneratorCPU))
	}
	return nil
}

func runRabbitMQ(o options, addr string, n int) (m measurement, err error) {
	var all []measurement
	for range o.runs {
		d := rabbitDialect()
		conns, err := dialUsers(addr, d, 0, 2*n)
		if err != nil {
			return m, err
		}
		m, err := runConns(conns, rabbitMeter{}, d, o.window, "")
		if err != nil {
			return m, err
		}
		all = append(all, m)
	}
	return medianOf(all), nil
}

// rabbitMeter reads the time of the Erlang machine that RabbitMQ runs in.
type rabbitMeter struct{}

func (rabbitMeter) usage() (u usage, err error) {
	u.CPU, err = timeOf("beam.smp")
	return u, err
}

func (rabbitMeter) do(any, string, ...any) error { return nil }

// rabbitDialect has queues of its own for each run, which RabbitMQ removes
// when nobody has used them for ten minutes.
func rabbitDialect() dialect {
	run := time.Now().UnixNano()
	queue := func(user int) string { return fmt.Sprintf("fiberchat-bench-%d-%d", run, user) }
	return dialect{
		path: func(int) string { return "/ws" },
		hello: func(user int) []string {
			return []string{
				"CONNECT\naccept-version:1.2\nhost:/\nlogin:guest\npasscode:guest\nheart-beat:0,0\n\n\x00",
				"SUBSCRIBE\nid:m\nack:client-individual\ndurable:true\nauto-delete:false\nx-expires:600000\nreceipt:ready\n" +
					"destination:/queue/" + queue(user) + "\n\n\x00",
			}
		},
		ready: func(p []byte) bool { return bytes.HasPrefix(p, []byte("RECEIPT\n")) },
		send: func(to int, msgID, content string) string {
			return fmt.Sprintf("SEND\ndestination:/amq/queue/%s\npersistent:true\nreceipt:s%s\ncontent-type:application/json\n\n"+
				`{"msgID":"%s","reciverId":%d,"content":"%s"}`+"\x00", queue(to), msgID, msgID, userID(to), content)
		},
		confirm: func(msgID string) string { return msgID }, // reply makes it
		reply: func(message []byte, msgID string) string {
			_, after, _ := bytes.Cut(message, []byte("\nack:"))
			id, _, _ := bytes.Cut(after, []byte("\n"))
			return fmt.Sprintf("ACK\nid:%s\nreceipt:c%s\n\n\x00", id, msgID)
		},
		event: func(p []byte) event {
			switch {
			case bytes.HasPrefix(p, []byte("MESSAGE\n")):
				return messageEvent
			case bytes.HasPrefix(p, []byte("RECEIPT\nreceipt-id:s")):
				return statusEvent
			case bytes.HasPrefix(p, []byte("RECEIPT\nreceipt-id:c")):
				return confirmedEvent
			case bytes.HasPrefix(p, []byte("ERROR\n")):
				return failureEvent
			}
			return other
		},
	}
}
