// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// troubleStorage names credentials that a location does not take, twice, then a
// location of a real server with a key that is wrong, and puts the Config right.
func (i *installation) troubleStorage() {
	i.t.Helper()
	server, err := lab.StartS3(i.t.Context(), i.t.Output())
	if err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			i.t.Error(err)
		}
	})
	account := lab.Account{Name: keyCanary + "-id", Key: keyCanary + "-key"}
	if err := errors.Join(server.SetAccounts(account), server.CreateBucket(i.t.Context(), account, "backups")); err != nil {
		i.t.Fatal(err)
	}
	credentials := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: "storage"},
		Data:       map[string][]byte{"accessKeyID": []byte(account.Name), "secretAccessKey": []byte(keyCanary + "-of-last-year")},
	}
	i.create(credentials, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: "storage-ca"}, Data: map[string][]byte{"ca.crt": server.CA},
	})
	set := func(want metav1.ConditionStatus, edit func(*v1alpha1.Config)) {
		i.t.Helper()
		cfg := i.config()
		change(i, cfg, edit)
		i.eventually("the Config's verdict", i.ready(cfg, want))
	}
	for range 2 {
		set(metav1.ConditionFalse, func(c *v1alpha1.Config) { c.Spec.Storage[0].CredentialsSecretName = credentials.Name })
		set(metav1.ConditionTrue, func(c *v1alpha1.Config) { c.Spec.Storage[0].CredentialsSecretName = "" })
	}
	change(i, i.config(), func(c *v1alpha1.Config) {
		c.Spec.Storage = append(c.Spec.Storage, v1alpha1.StorageLocation{
			Name: "spare", URL: "s3://backups?endpoint=" + url.QueryEscape(server.Endpoint),
			CredentialsSecretName: credentials.Name, CASecretName: "storage-ca",
		})
	})
	i.located("spare", false)
	change(i, credentials, func(s *corev1.Secret) { s.Data["secretAccessKey"] = []byte(account.Key) })
	i.located("spare", true)
	set(metav1.ConditionTrue, func(c *v1alpha1.Config) { c.Spec.Storage = c.Spec.Storage[:1] })
}

// located waits until a location is available, or says why it is not.
func (i *installation) located(location string, want bool) {
	i.t.Helper()
	i.eventually("location "+location, func(ctx context.Context) (bool, error) {
		cfg := i.config()
		if err := i.admin.Get(ctx, client.ObjectKeyFromObject(cfg), cfg); err != nil {
			return false, err
		}
		return slices.ContainsFunc(cfg.Status.Storage, func(l v1alpha1.StorageLocationStatus) bool {
			return l.Name == location && l.Available == want && (want || l.Message != "")
		}), nil
	})
}

// quote restores into a namespace where an admission policy refuses Secrets, and
// quotes them.
func (i *installation) quote(backup string) {
	i.t.Helper()
	const namespace = "shop-quoted-restored"
	rule := admissionregistrationv1.RuleWithOperations{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"secrets"}},
	}
	i.create(
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
		&admissionregistrationv1.ValidatingAdmissionPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: "talkative"},
			Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
				MatchConstraints: &admissionregistrationv1.MatchResources{
					ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: rule}},
				},
				MatchConditions: []admissionregistrationv1.MatchCondition{{Name: "there", Expression: "request.namespace == '" + namespace + "'"}},
				Validations:     []admissionregistrationv1.Validation{{Expression: "false", MessageExpression: "'look at this: ' + string(object.data['number'])"}},
			},
		},
		&admissionregistrationv1.ValidatingAdmissionPolicyBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "talkative"},
			Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
				PolicyName: "talkative", ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
			},
		})
	i.eventually("the policy to refuse Secrets, and to quote them", func(ctx context.Context) (bool, error) {
		err := i.admin.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "card"}, Data: map[string][]byte{"number": []byte("12345")},
		}, client.DryRunAll)
		return err != nil && strings.Contains(err.Error(), "look at this"), nil
	})
	out := i.ark(3, "restore", "create", "quoted", "--from-backup", backup, "--namespace-mappings", "shop:"+namespace, "--include-resources", "secrets", "--wait")
	out += i.ark(0, "restore", "describe", "quoted")
	if !strings.Contains(out, "ValidatingAdmissionPolicy 'talkative'") {
		i.t.Errorf("the restore does not say who refused the Secret:\n%s", out)
	}
}
