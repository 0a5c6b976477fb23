// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// parentVariable makes TestAProcessEndsWithTheOneThatStartedIt the one that starts.
const parentVariable = "ARK_TEST_PARENT"

// A process that is busy for ever must not outlive the server, however that ends.
func TestAProcessEndsWithTheOneThatStartedIt(t *testing.T) {
	if os.Getenv(parentVariable) != "" {
		beParent(t)
		return
	}
	parent := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	parent.Env = append(os.Environ(), parentVariable+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	proc := "/proc/" + strings.TrimSpace(line)
	if _, err := os.Stat(proc); err != nil {
		t.Fatalf("the process did not live: %v", err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 3000 {
		status, err := os.ReadFile(proc + "/status")
		if err != nil || strings.Contains(string(status), "State:\tZ") {
			return
		}
		<-tick.C
	}
	t.Error("the process lives on")
}

// beParent tells the number of a process that works for ever, and waits.
func beParent(t *testing.T) {
	t.Helper()
	p := New(lowered(func(l *Limits) { l.Grace = time.Hour }))
	policy := compileIn(t, p, someRules)
	for _, at := range p.places {
		fmt.Fprintln(os.Stdout, at.process.cmd.Process.Pid)
	}
	_, err := policy.Ask(t.Context(), about(deaf))
	t.Errorf("Ask() returned %v", err)
}
