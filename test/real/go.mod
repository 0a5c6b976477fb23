// The projects whose definitions and samples the fidelity suite backs up and
// restores (make test-real). They are downloaded for that test and read as files;
// none is built, and nothing of them is copied into this repository.
module github.com/gopherwood/ark/test/real

go 1.26

require (
	github.com/argoproj/argo-cd/v3 v3.5.7
	github.com/cert-manager/cert-manager v1.21.2
	github.com/cloudnative-pg/cloudnative-pg v1.28.0
	github.com/crossplane/crossplane/v2 v2.1.0
	github.com/external-secrets/external-secrets v1.3.2
	github.com/kedacore/keda/v2 v2.21.0
	github.com/kyverno/kyverno v1.19.1
	github.com/prometheus-operator/prometheus-operator v0.85.0
	istio.io/api v1.32.0
	knative.dev/serving v0.51.0
	sigs.k8s.io/gateway-api v1.4.0
)
