// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "k8s.io/apimachinery/pkg/runtime"

// Rule is one source of Rego: exactly one of rego, configMap and library.
// +kubebuilder:validation:XValidation:rule="[has(self.rego), has(self.configMap), has(self.library)].filter(x, x).size() == 1",message="set exactly one of rego, configMap and library"
// +kubebuilder:validation:XValidation:rule="!has(self.parameters) || has(self.library)",message="parameters belong to library rules only"
type Rule struct {
	// name identifies the rule within its object. It is the file name that
	// compiler messages give for an inline rule.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// rego is a Rego v1 module in one of the packages ark.select, ark.restore and
	// ark.restore_select.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=65536
	Rego string `json:"rego,omitempty"`

	// configMap takes the modules from a ConfigMap in the controller's namespace.
	// +optional
	ConfigMap *ConfigMapRules `json:"configMap,omitempty"`

	// library names a rule that is built into Ark, such as
	// "select/service-account-tokens".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=127
	Library string `json:"library,omitempty"`

	// parameters are handed to the library rule as data.ark.parameters["<library name>"].
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Parameters *runtime.RawExtension `json:"parameters,omitempty"`
}

// ConfigMapRules names Rego modules in a ConfigMap: every key that ends in
// ".rego" and not in "_test.rego".
type ConfigMapRules struct {
	// name of the ConfigMap in the controller's namespace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// sha256 pins the content: the hexadecimal SHA-256 over, for each module in
	// the order of their keys, the key, a zero byte, the module, a zero byte. A
	// ConfigMap with other content is refused.
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{64}$`
	// +kubebuilder:validation:MaxLength=64
	SHA256 string `json:"sha256,omitempty"`
}

// PolicyRevision identifies the rules that are in force.
type PolicyRevision struct {
	// digest covers sources, parameters, capabilities, input schemas and the
	// version of the engine: equal digests decide alike.
	// +optional
	// +kubebuilder:validation:MaxLength=71
	Digest string `json:"digest,omitempty"`

	// rules is the number of Rego modules.
	// +optional
	Rules int32 `json:"rules,omitempty"`
}

// CodeCount is how often a rule's code fired.
type CodeCount struct {
	// code is the reason code of a rule, or one of Ark's own.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Code string `json:"code,omitempty"`

	// count is the number of objects.
	// +required
	Count int64 `json:"count"`
}
