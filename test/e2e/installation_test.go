// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e_test tells the whole line, from a policy to a restore in another
// cluster, with the real program, as the chart installs it and with exactly the
// rights that the chart gives it.
package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/image"
	"github.com/gopherwood/ark/test/lab/labtest"
)

const (
	root = "../.."
	// account is how the API server calls the chart's service account.
	account = "system:serviceaccount:" + labtest.Namespace + ":ark"
	// patience bounds every wait: most are over in a second.
	patience = 2 * time.Minute
)

// program is the path of ark, in the image that was unpacked, which is the folder
// imageRoot.
var program, imageRoot string

func TestMain(m *testing.M) {
	image.Enter()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	// What clients of these tests log is no part of what they check.
	log.SetLogger(logr.Discard())
	dir, err := os.MkdirTemp("", "ark-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	imageRoot = filepath.Join(dir, "root")
	if program, err = buildImage(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// buildImage makes the image that the chart runs, as make image does, unpacks it
// and returns the path of its program, once that has told its version.
func buildImage(dir string) (string, error) {
	built := filepath.Join(dir, "built")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version=v0.0.0-e2e", "-o", built, "./cmd/ark")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build ark: %w\n%s", err, out)
	}
	binary, err := os.ReadFile(built)
	if err != nil {
		return "", err
	}
	var archive bytes.Buffer
	if err := image.Write(&archive, image.Ark("ark:v0.0.0-e2e", binary, nil)); err != nil {
		return "", err
	}
	if err := os.Mkdir(imageRoot, 0o755); err != nil {
		return "", err
	}
	command, err := image.Unpack(&archive, imageRoot)
	if err != nil {
		return "", err
	}
	out, err := exec.Command(command[0], "version").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("v0.0.0-e2e")) {
		return "", fmt.Errorf("run the image's ark: %w\n%s", err, out)
	}
	return command[0], nil
}

// installation is Ark in a cluster of its own: what the chart installs, and the
// server in a container as its Deployment describes it, beside the cluster, because
// there is no node to run its pod.
type installation struct {
	t       *testing.T
	cluster *lab.Cluster
	// admin is who looks and arranges; the server is the service account.
	admin client.Client
	// bucket is the directory that all locations lie in, which the server knows as
	// storeRoot.
	bucket string

	server          *exec.Cmd
	log             string
	metrics, health string // addresses
	// said is everything that the command line printed.
	said bytes.Buffer
}

// install installs the chart with values, as in --set, into a new cluster, and
// starts the server.
func install(t *testing.T, bucket string, opts lab.Options, values ...string) *installation {
	t.Helper()
	opts.ControllerManager, opts.Audit, opts.Log = true, []string{account}, t.Output()
	cluster, err := lab.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	i := &installation{t: t, cluster: cluster, admin: labtest.Client(t, cluster), bucket: bucket}
	i.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: labtest.Namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}})
	args := []string{"install", "ark", "charts/ark", "--namespace", labtest.Namespace, "--set", "image.repository=ark,log.level=debug,fileStore.existingClaim=bucket"}
	for _, v := range values {
		args = append(args, "--set", v)
	}
	helm, err := lab.Helm(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	i.must(i.command(helm, args...).CombinedOutput())
	i.eventually("the kinds", func(ctx context.Context) (bool, error) {
		for _, list := range ownKinds() {
			if i.admin.List(ctx, list) != nil {
				return false, nil
			}
		}
		return true, nil
	})
	i.serve()
	i.probed()
	return i
}

func ownKinds() []client.ObjectList {
	return []client.ObjectList{
		&v1alpha1.ConfigList{}, &v1alpha1.BackupPolicyList{}, &v1alpha1.ScheduleList{}, &v1alpha1.BackupList{}, &v1alpha1.RestoreList{},
	}
}

// storeRoot is where the chart mounts the volume of file:// locations, and
// accountDir where every pod finds its service account.
const (
	storeRoot  = "/var/lib/ark"
	accountDir = "/var/run/secrets/kubernetes.io/serviceaccount"
)

// serve starts the server as the Deployment describes it: the arguments of its
// container, a root file system that cannot be written, a user who is not root, the
// service account where pods have it, and the volume.
func (i *installation) serve() {
	i.t.Helper()
	var deployment appsv1.Deployment
	i.get(&deployment, labtest.Namespace, "ark")
	container := deployment.Spec.Template.Spec.Containers[0]
	i.metrics, i.health = freeAddress(i.t), freeAddress(i.t)
	args := []string{strings.TrimPrefix(program, imageRoot)}
	for _, arg := range container.Args {
		args = append(args, strings.ReplaceAll(arg, "$(POD_NAMESPACE)", labtest.Namespace))
	}
	// What differs from a pod: it has no address of its own to listen on.
	args = append(args, "--metrics-bind-address="+i.metrics, "--health-probe-bind-address="+i.health)
	host, port, err := net.SplitHostPort(strings.TrimPrefix(i.cluster.Config().Host, "https://"))
	if err != nil {
		i.t.Fatal(err)
	}
	i.log = filepath.Join(i.t.TempDir(), "server.log")
	file, err := os.Create(i.log)
	if err != nil {
		i.t.Fatal(err)
	}
	defer file.Close()
	i.server, err = image.Container{
		Root: imageRoot, Arguments: args,
		Environment: []string{"POD_NAMESPACE=" + labtest.Namespace, "KUBERNETES_SERVICE_HOST=" + host, "KUBERNETES_SERVICE_PORT=" + port},
		Mounts: []image.Mount{
			{Source: i.bucket, Target: container.VolumeMounts[0].MountPath},
			{Source: i.serviceAccount(), Target: accountDir, ReadOnly: true},
		},
	}.Command(context.WithoutCancel(i.t.Context())) // it is stopped in good order
	if err != nil {
		i.t.Fatal(err)
	}
	i.server.Stdout, i.server.Stderr = file, file
	if err := i.server.Start(); err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() {
		if i.server.ProcessState == nil {
			_ = i.server.Process.Kill()
			_ = i.server.Wait()
		}
		if i.t.Failed() {
			i.t.Logf("the end of the server's log:\n%s", tail(i.t, i.log))
		}
	})
}

// stop ends the server in good order.
func (i *installation) stop() {
	i.t.Helper()
	if err := i.server.Process.Signal(syscall.SIGTERM); err != nil {
		i.t.Fatal(err)
	}
	if err := i.server.Wait(); err != nil {
		i.t.Errorf("the server ended: %v", err)
	}
}

// probed waits until the probes of the Deployment's container succeed.
func (i *installation) probed() {
	i.t.Helper()
	var deployment appsv1.Deployment
	i.get(&deployment, labtest.Namespace, "ark")
	container := deployment.Spec.Template.Spec.Containers[0]
	for what, probe := range map[string]*corev1.Probe{"liveness": container.LivenessProbe, "readiness": container.ReadinessProbe} {
		i.eventually(what, func(ctx context.Context) (bool, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+i.health+probe.HTTPGet.Path, http.NoBody)
			if err != nil {
				return false, err
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return false, nil // it does not listen yet
			}
			return res.StatusCode == http.StatusOK, res.Body.Close()
		})
	}
}

// serviceAccount writes a token of the chart's service account, and what else pods
// have of it, into a folder.
func (i *installation) serviceAccount() string {
	i.t.Helper()
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: "ark"}}
	request := &authenticationv1.TokenRequest{}
	if err := i.admin.SubResource("token").Create(i.t.Context(), sa, request); err != nil {
		i.t.Fatal(err)
	}
	dir := i.t.TempDir()
	for name, content := range map[string][]byte{
		"token": []byte(request.Status.Token), "ca.crt": i.cluster.Config().CAData, "namespace": []byte(labtest.Namespace),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			i.t.Fatal(err)
		}
	}
	return dir
}

// command is a program that acts on the cluster as its administrator.
func (i *installation) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(i.t.Context(), name, args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "KUBECONFIG="+i.cluster.Kubeconfig)
	return cmd
}

// ark runs the command line and returns what it printed. It fails the test when
// the exit code is another than want.
func (i *installation) ark(want int, args ...string) string {
	i.t.Helper()
	out, err := i.command(program, args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		i.t.Fatal(err)
	}
	i.said.Write(out)
	code := 0
	if exit != nil {
		code = exit.ExitCode()
	}
	if code != want {
		i.t.Fatalf("ark %s: exit code %d, want %d:\n%s", strings.Join(args, " "), code, want, out)
	}
	return string(out)
}

func (i *installation) must(out []byte, err error) {
	i.t.Helper()
	if err != nil {
		i.t.Fatalf("%v\n%s", err, out)
	}
}

func (i *installation) create(objects ...client.Object) {
	i.t.Helper()
	for _, o := range objects {
		if err := i.admin.Create(i.t.Context(), o); err != nil {
			i.t.Fatalf("create %T %s: %v", o, o.GetName(), err)
		}
	}
}

func (i *installation) get(o client.Object, namespace, name string) {
	i.t.Helper()
	if err := i.admin.Get(i.t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, o); err != nil {
		i.t.Fatalf("get %T %s: %v", o, name, err)
	}
}

// change reads an object, changes it and writes it.
func change[T client.Object](i *installation, o T, edit func(T)) {
	i.t.Helper()
	i.get(o, o.GetNamespace(), o.GetName())
	before, _ := o.DeepCopyObject().(client.Object)
	edit(o)
	if err := i.admin.Patch(i.t.Context(), o, client.MergeFrom(before)); err != nil {
		i.t.Fatal(err)
	}
}

func (i *installation) eventually(what string, is wait.ConditionWithContextFunc) {
	i.t.Helper()
	if err := wait.PollUntilContextTimeout(i.t.Context(), 50*time.Millisecond, patience, true, is); err != nil {
		i.t.Fatalf("wait for %s: %v", what, err)
	}
}

// freeAddress is one that nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func tail(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return content[max(0, len(content)-4096):]
}
