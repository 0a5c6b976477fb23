// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/engine"
)

var secrets = engine.Resource{Version: "v1", Name: "secrets", Kind: "Secret", Namespaced: true}

// Whoever admits objects sees the content of Secrets, and may repeat it.
func TestWhoAdmitsCannotPublishASecret(t *testing.T) {
	c, admin := connect(t)
	ns := namespace(t, c, "talkative")
	const password = "hunter2-talkative"
	tests := map[string]struct {
		admit func(*testing.T, client.Client)
		name  string
		want  string
	}{
		"a webhook": {webhook, "for-webhook", `admission webhook "talkative.example.org" denied the request: what it said is left out`},
		"a policy":  {admissionPolicy, "for-policy", "ValidatingAdmissionPolicy 'talkative' with binding 'talkative' denied request: what it said is left out"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			tc.admit(t, admin)
			body := fmt.Appendf(nil, `{"metadata":{"name":%q},"data":{"password":%q}}`, tc.name, base64.StdEncoding.EncodeToString([]byte(password)))
			var refused error
			// Who admits is in force a moment later.
			err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
				_, refused = c.Create(ctx, secrets, ns, "", body)
				if refused == nil {
					return false, c.Delete(ctx, secrets, ns, tc.name, engine.DeleteOptions{})
				}
				return true, nil
			})
			if err != nil {
				t.Fatalf("nobody refuses the Secret: %v", err)
			}
			if !strings.Contains(refused.Error(), tc.want) {
				t.Errorf("error %v, want one with %s", refused, tc.want)
			}
			for _, secret := range []string{password, base64.StdEncoding.EncodeToString([]byte(password))} {
				if strings.Contains(refused.Error(), secret) {
					t.Errorf("the error quotes the Secret: %v", refused)
				}
			}
		})
	}
}

// only are the objects that the admission of a test is for.
func only(name string) []admissionregistrationv1.MatchCondition {
	return []admissionregistrationv1.MatchCondition{{Name: "only", Expression: fmt.Sprintf("request.operation == 'CREATE' && object.metadata.name == %q", name)}}
}

var secretRules = admissionregistrationv1.RuleWithOperations{
	Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
	Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"secrets"}},
}

// webhook installs a webhook that refuses, and repeats the whole object.
func webhook(t *testing.T, admin client.Client) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review admissionv1.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		review.Response = &admissionv1.AdmissionResponse{
			UID: review.Request.UID, Result: &metav1.Status{Message: "look at this: " + string(review.Request.Object.Raw)},
		}
		_ = json.NewEncoder(w).Encode(review)
	}))
	t.Cleanup(server.Close)
	none := admissionregistrationv1.SideEffectClassNone
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	install(t, admin, &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "talkative"},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "talkative.example.org", AdmissionReviewVersions: []string{"v1"}, SideEffects: &none,
			ClientConfig:    admissionregistrationv1.WebhookClientConfig{URL: &server.URL, CABundle: ca},
			Rules:           []admissionregistrationv1.RuleWithOperations{secretRules},
			MatchConditions: only("for-webhook"),
		}},
	})
}

// admissionPolicy installs a policy that refuses, and repeats the data.
func admissionPolicy(t *testing.T, admin client.Client) {
	t.Helper()
	install(t, admin,
		&admissionregistrationv1.ValidatingAdmissionPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: "talkative"},
			Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
				MatchConstraints: &admissionregistrationv1.MatchResources{
					ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: secretRules}},
				},
				MatchConditions: only("for-policy"),
				Validations:     []admissionregistrationv1.Validation{{Expression: "false", MessageExpression: "'look at this: ' + string(object.data['password'])"}},
			},
		},
		&admissionregistrationv1.ValidatingAdmissionPolicyBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "talkative"},
			Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
				PolicyName: "talkative", ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
			},
		})
}

// install creates objects, which go with the test.
func install(t *testing.T, admin client.Client, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		must(t, admin.Create(t.Context(), o))
		t.Cleanup(func() {
			if err := admin.Delete(context.WithoutCancel(t.Context()), o); err != nil {
				t.Error(errors.Join(errors.New("clean up"), err))
			}
		})
	}
}
