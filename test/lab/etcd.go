// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import "path/filepath"

// ownEtcd is the name of the second etcd.
const ownEtcd = "own-etcd"

// startEtcds starts etcd, and a second one where Options.OwnEtcd names types.
// The API server waits for them, and their logs are shown then.
func (c *Cluster) startEtcds() error {
	names := []string{etcd}
	if len(c.options.OwnEtcd) > 0 {
		names = append(names, ownEtcd)
	}
	for _, name := range names {
		if err := c.startEtcd(name); err != nil {
			return err
		}
	}
	return nil
}

// etcdSocket is relative to the cluster's folder, which is every component's
// working directory: so it needs no port, nobody else's etcd can be mistaken for
// it, and the limit of 108 bytes for the path of a socket does not matter. etcd
// wants something like a port at its end, which is part of the file's name.
func etcdSocket(name string) string { return "unix://" + name + ":0" }

func (c *Cluster) startEtcd(name string) error {
	client, peer := etcdSocket(name), etcdSocket(name+"-peer")
	// Each component has a file of the cluster's folder among its arguments: by
	// that, a later process recognises it.
	_, err := c.runAs(name, etcd,
		"--name=lab", "--data-dir="+filepath.Join(c.Dir, name+"-data"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=lab="+peer,
		// A load test writes more than the 2 GiB that are the default.
		"--quota-backend-bytes=8589934592")
	return err
}

// etcdFlags tell the API server what lies where, and for how long.
func (c *Cluster) etcdFlags() []string {
	flags := []string{"--etcd-servers=" + etcdSocket(etcd)}
	for _, t := range c.options.OwnEtcd {
		flags = append(flags, "--etcd-servers-overrides="+t+"#"+etcdSocket(ownEtcd))
	}
	if every := c.options.CompactEvery; every > 0 {
		flags = append(flags, "--etcd-compaction-interval="+every.String())
	}
	return flags
}
