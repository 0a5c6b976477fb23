// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gopherwood/ark/test/lab"
)

// stage is where the story plays: two clusters, a bucket, and the controllers.
type stage struct {
	dir  string // of the demo; removed at the end
	root string // of the checkout
	ark  string // the binary
	out  io.Writer

	// first is the cluster the story begins in; second stands for a new one on the
	// day that the first is gone.
	first, second *lab.Cluster
	kubeconfig    string
	servers       []*exec.Cmd
	// backup is the name of the first backup, once it exists.
	backup string
}

func (s *stage) bucket() string { return filepath.Join(s.dir, "bucket") }

func (s *stage) bucketURL() string { return "file://" + filepath.Join(s.bucket(), "quickstart") }

// open starts the first cluster and the controllers beside it.
func (s *stage) open(ctx context.Context) (err error) {
	if s.first, err = s.cluster(ctx, true); err != nil {
		return err
	}
	s.kubeconfig = s.first.Kubeconfig
	return s.install(ctx, "first")
}

func (s *stage) cluster(ctx context.Context, controllerManager bool) (*lab.Cluster, error) {
	c, err := lab.Start(ctx, lab.Options{ControllerManager: controllerManager, Log: os.Stderr})
	if err != nil {
		return nil, fmt.Errorf("start a cluster: %w", err)
	}
	return c, nil
}

// install puts Ark's kinds into the current cluster and starts the controllers.
func (s *stage) install(ctx context.Context, name string) error {
	crds := filepath.Join(s.root, "charts/ark/files/crds")
	for _, args := range [][]string{
		{"apply", "--server-side", "-f", crds},
		{"wait", "--for=condition=Established", "--timeout=30s", "-f", crds},
		{"create", "namespace", "ark-system"},
	} {
		if out, err := s.command(ctx, "kubectl", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return s.serve(ctx, name)
}

// serve starts the controllers of the current cluster as a process beside it.
func (s *stage) serve(ctx context.Context, name string) error {
	logFile, err := os.Create(filepath.Join(s.dir, name+".log"))
	if err != nil {
		return fmt.Errorf("create a log: %w", err)
	}
	defer logFile.Close()
	// An interruption breaks off the story. The controllers end with the stage.
	cmd := s.command(context.WithoutCancel(ctx), "ark", "server", "--file-store-root", s.bucket(), "--leader-elect=false",
		"--metrics-bind-address=0", "--health-probe-bind-address=0")
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if err := os.MkdirAll(s.bucket(), 0o700); err != nil {
		return fmt.Errorf("create the bucket: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start ark server: %w", err)
	}
	s.servers = append(s.servers, cmd)
	return nil
}

// grace is how long the controllers have to end.
const grace = 20 * time.Second

// clear stops everything and removes the demo's folder. The second time there is
// nothing left to do.
func (s *stage) clear() error {
	var errs []error
	for _, server := range s.servers {
		_ = server.Process.Signal(syscall.SIGTERM) // it may have ended
		defer time.AfterFunc(grace, func() { _ = server.Process.Kill() }).Stop()
		if err := server.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
			errs = append(errs, fmt.Errorf("stop ark server: %w", err))
		}
	}
	s.servers = nil
	for _, c := range []*lab.Cluster{s.first, s.second} {
		if c != nil {
			errs = append(errs, c.Stop())
		}
	}
	if err := errors.Join(append(errs, os.RemoveAll(s.dir))...); err != nil {
		return fmt.Errorf("%w: %w", errLeftBehind, err)
	}
	return nil
}

// serverLog returns what the controllers last said, for a story that broke off.
func (s *stage) serverLog() error {
	logs, err := filepath.Glob(filepath.Join(s.dir, "*.log"))
	if err != nil || len(logs) == 0 {
		return err
	}
	slices.Sort(logs)
	content, err := os.ReadFile(logs[len(logs)-1])
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return fmt.Errorf("the controllers' last lines:\n%s", strings.Join(lines[max(0, len(lines)-15):], "\n"))
}

// command is a program that acts on the current cluster, in the checkout. ark
// and kubectl are those that were built here.
func (s *stage) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	path := name
	switch name {
	case "ark":
		path = s.ark
	case "kubectl":
		path = filepath.Join(s.first.Binaries.Dir(), "kubectl")
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = s.root
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.kubeconfig)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// show prints a command as a user would type it, runs it, and shows what it
// says. It fails when the command ends with another code than want.
func (s *stage) show(ctx context.Context, want int, name string, args ...string) error {
	fmt.Fprintf(s.out, "\n  $ %s %s\n", name, quoted(args))
	cmd := s.command(ctx, name, args...)
	indented := &indenter{to: s.out, prefix: "  "}
	cmd.Stdout, cmd.Stderr = indented, indented
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("%s %s: %w", name, quoted(args), err)
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		return fmt.Errorf("%s %s: ended with code %d, expected %d", name, quoted(args), got, want)
	}
	if want != 0 {
		fmt.Fprintf(s.out, "  (exit code %d)\n", want)
	}
	return nil
}

// output runs a command without showing it.
func (s *stage) output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := s.command(ctx, name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, quoted(args), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// await asks until the answer is not empty.
func (s *stage) await(ctx context.Context, what string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if out, err := s.output(ctx, name, args...); err == nil && out != "" {
			return out, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", fmt.Errorf("wait for %s: %w", what, ctx.Err())
		}
	}
}

// quoted writes arguments as a shell would need them.
func quoted(args []string) string {
	shown := make([]string, len(args))
	for i, a := range args {
		if strings.ContainsAny(a, " *?(){}[]'\"$|;&<>") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		shown[i] = a
	}
	return strings.Join(shown, " ")
}

// indenter puts a prefix before every line.
type indenter struct {
	to     io.Writer
	prefix string
	midway bool
}

func (w *indenter) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if !w.midway && len(bytes.TrimSpace(line)) > 0 {
			if _, err := io.WriteString(w.to, w.prefix); err != nil {
				return 0, err
			}
		}
		if _, err := w.to.Write(line); err != nil {
			return 0, err
		}
		w.midway = !bytes.HasSuffix(line, []byte("\n"))
	}
	return len(p), nil
}
