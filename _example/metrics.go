package main

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metricsServer answers Prometheus on a listener of its own: numbers about
// users are not for everyone who can reach the chat.
type metricsServer struct {
	registry *prometheus.Registry
	server   *http.Server
	served   chan struct{}
}

// serveMetrics serves /metrics on addr; an empty addr only makes the registry.
func serveMetrics(addr string) (*metricsServer, error) {
	m := &metricsServer{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if addr == "" {
		return m, nil
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("serve metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	m.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second}
	m.served = make(chan struct{})
	// Close ends it and waits for it.
	go func() {
		defer close(m.served)
		m.server.Serve(ln) //nolint:errcheck // it ends by Close alone
	}()
	fmt.Printf("fiberchat: metrics at http://%s/metrics\n", ln.Addr())
	return m, nil
}

func (m *metricsServer) Close() {
	if m.server != nil {
		m.server.Close()
		<-m.served
	}
}
