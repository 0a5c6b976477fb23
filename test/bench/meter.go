// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// measure is what one run spent. Times are in seconds.
type measure struct {
	Wall, CPU, ServerCPU float64
	// Requests and Bytes are those of the API server, bytes both ways as they cross
	// the connection.
	Requests, Bytes int64
	// Posts are the requests that create an object.
	Posts int64
	// StoreRequests and StoreBytes are what was read of the bucket.
	StoreRequests, StoreBytes int64
	// Objects are those listed, archived, posted or restored.
	Objects int64
	// Raw and Stored are the bytes of JSON, and of the archive.
	Raw, Stored int64
	Errors      int64
	// First is when the first of several small runs had ended, in seconds.
	First float64
	// RSS is the most memory that was resident at a time, in bytes.
	RSS int64
}

// meter measures this process from begin to end.
type meter struct {
	measure

	job        job
	started    time.Time
	cpu        time.Duration
	server     time.Duration
	stop       func() error
	requests   atomic.Int64
	posts      atomic.Int64
	bytes      atomic.Int64
	storeReads atomic.Int64
	storeBytes atomic.Int64
}

// begin says that what is to be measured begins now.
func (m *meter) begin() error {
	var err error
	if m.stop, err = startProfile(m.job.Profile, m.job.profileName()); err != nil {
		return err
	}
	if m.server, err = processCPU(m.job.ServerPID); err != nil {
		return err
	}
	if m.cpu, err = ownCPU(); err != nil {
		return err
	}
	m.requests.Store(0)
	m.posts.Store(0)
	m.bytes.Store(0)
	m.storeReads.Store(0)
	m.storeBytes.Store(0)
	m.started = time.Now()
	return nil
}

// end fills in the measure.
func (m *meter) end() error {
	m.Wall = time.Since(m.started).Seconds()
	cpu, err := ownCPU()
	if err != nil {
		return err
	}
	server, err := processCPU(m.job.ServerPID)
	if err != nil {
		return err
	}
	m.CPU, m.ServerCPU = (cpu - m.cpu).Seconds(), (server - m.server).Seconds()
	m.Requests, m.Bytes, m.Posts = m.requests.Load(), m.bytes.Load(), m.posts.Load()
	m.StoreRequests, m.StoreBytes = m.storeReads.Load(), m.storeBytes.Load()
	if err := m.stop(); err != nil {
		return err
	}
	m.RSS, err = peakRSS()
	return err
}

// config returns access to the cluster of the job, in which everything is counted.
func (m *meter) config() (*rest.Config, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", m.job.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	cfg.QPS = -1
	var dialer net.Dialer
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return countedConn{conn, &m.bytes}, nil
	}
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			m.requests.Add(1)
			if r.Method == http.MethodPost {
				m.posts.Add(1)
			}
			return next.RoundTrip(r)
		})
	})
	return cfg, nil
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// countedConn counts the bytes of a connection.
type countedConn struct {
	net.Conn

	n *atomic.Int64
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (c countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// ownCPU is what this process has spent, user and system.
func ownCPU() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("read own CPU time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// clockTicks is how the kernel counts CPU time for /proc: USER_HZ, which is 100
// on every architecture that Go runs on.
const clockTicks = 100

// processCPU is what another process has spent; see proc(5) for the fields.
func processCPU(pid int) (time.Duration, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("read the API server's CPU time: %w", err)
	}
	_, after, _ := strings.Cut(string(stat), ") ") // the name before may hold anything
	fields := strings.Fields(after)
	const user, system = 11, 12
	if len(fields) <= system {
		return 0, errors.New("read the API server's CPU time: too few fields in /proc")
	}
	ticks := int64(0)
	for _, field := range fields[user : system+1] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the API server's CPU time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / clockTicks, nil
}

// peakRSS is the most memory that this process had resident. The figure of
// getrusage would be the parent's, where that was larger when it forked.
func peakRSS() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("read own memory: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("read own memory: the kernel does not tell")
}

// countedReader counts what is read of a blob.
type countedReader struct {
	io.ReadCloser

	n *atomic.Int64
}

func (r countedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.n.Add(int64(n))
	return n, err
}
