{{- /*
SPDX-FileCopyrightText: The Ark Authors
SPDX-License-Identifier: Apache-2.0
*/}}

{{- /* The labels by which the pods are found. They can never change. */}}
{{- define "ark.selector" -}}
app.kubernetes.io/name: ark
app.kubernetes.io/component: server
{{- end }}

{{- define "ark.labels" -}}
{{ include "ark.selector" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "ark.image" -}}
{{- $repository := required "image.repository: say where this cluster finds the image; make image builds one" .Values.image.repository }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}
