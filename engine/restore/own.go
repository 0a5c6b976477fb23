// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/own"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// ownFacts are how Ark runs in the target.
func (r *Request) ownFacts() *own.Facts {
	f := r.Own
	f.Namespace = r.OwnNamespace
	return &f
}

// isOwn reports whether an object comes back as archived, or not at all.
func (r *run) isOwn(target engine.Key, m transform.Manifest) bool {
	return r.own.Owns(target, m) != ""
}

// withheld says why an object that does not exist is not made, or nothing: it is
// Ark's, and what would be written is not what this cluster's own backup holds.
func (r *run) withheld(p *prepared) string {
	const cure = ": create it from where it is kept"
	switch it := p.it; {
	case p.own == "":
		return ""
	case p.Modified:
		return "left out, because " + p.own + ", and a modifier made it so: such objects come back as archived" + cure
	case it.target != it.source:
		return "left out, because " + p.own + ", and it was not archived there: such objects come back as archived" + cure
	case r.req.Proof.Allows(r.own, it.target, p.Manifest):
		return ""
	case r.req.Proof == own.NothingSigns:
		return "left out, because " + p.own + ", and nothing proves that the backup is this cluster's own: no storage location signs" + cure
	}
	return "left out, because " + p.own + ", and the backup is not verified as this cluster's own" + cure
}

// leaveOut settles the fate of an object of Ark's that is missing, and reports whether
// it is to stay so.
func (r *run) leaveOut(p *prepared) bool {
	why := r.withheld(p)
	if why == "" {
		return false
	}
	p.it.action, p.it.outcome, p.it.code = ActionSkip, Skipped, CodeOwnSettings
	p.it.messages = append(p.it.messages, why)
	return true
}
