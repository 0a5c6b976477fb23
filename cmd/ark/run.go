// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gopherwood/ark/cmd/ark/internal/access"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/cmd/ark/internal/terminal"
	"github.com/gopherwood/ark/controllers/manager"
)

// app is what all commands share.
type app struct {
	stdio

	cluster access.Cluster
	// namespace is that of the controllers: the Secrets that locations name lie there.
	namespace string
	// environment looks a variable up.
	environment func(name string) (string, bool)
	// serve runs the controllers.
	serve serve
	// now tells the time, for ages and for the names of what is created.
	now func() time.Time
}

// run runs one command line, args[0] being the program, and returns the exit
// code. What it writes to the user's error stream is at most one line.
func run(ctx context.Context, args []string, io stdio) exit.Code {
	a := &app{stdio: io, environment: os.LookupEnv, serve: manager.Run, now: time.Now} //nolint:forbidigo // the process's clock is handed out from here
	return a.run(ctx, args)
}

func (a *app) run(ctx context.Context, args []string) exit.Code {
	// Whatever is printed goes through here, whoever wrote it first.
	a.out, a.err = terminal.NewWriter(a.out), terminal.NewWriter(a.err)
	root := newRoot(a, filepath.Base(args[0])) //nolint:contextcheck // a command gets its context when it runs
	root.SetArgs(args[1:])
	cmd, err := root.ExecuteContextC(ctx)
	return a.finish(ctx, cmd, err)
}

// finish tells the user what went wrong, and returns the exit code.
func (a *app) finish(ctx context.Context, cmd *cobra.Command, err error) exit.Code {
	if err == nil {
		return exit.Success
	}
	if explained := a.cluster.Explain(err); ctx.Err() == nil {
		err = explained
	}
	code := exit.Of(err)
	if code == exit.Failed && ctx.Err() != nil {
		code = exit.Interrupted
	}
	message := strings.Join(strings.FieldsFunc(err.Error(), isLineBreak), "; ")
	if code == exit.Usage && cmd != nil {
		message = fmt.Sprintf("%s; see %q", message, cmd.CommandPath()+" --help")
	}
	fmt.Fprintf(a.err, "ark: %s\n", message)
	return code
}

func isLineBreak(r rune) bool { return r == '\n' || r == '\r' }
