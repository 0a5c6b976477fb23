// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"gocloud.dev/blob/azureblob"

	"github.com/gopherwood/ark/engine"
)

// Keys of a Secret with credentials for Azure: a name, and a key or a token.
const (
	accountNameKey = "accountName"
	accountKeyKey  = "accountKey"
	sasTokenKey    = "sasToken"
)

// federatedTokenFile is the variable that Azure's workload identity sets in pods.
const federatedTokenFile = "AZURE_FEDERATED_TOKEN_FILE"

// openAzure opens azblob://container.
func openAzure(ctx context.Context, u *url.URL, _ Location, opts Options) (engine.Store, error) {
	name, err := bucketName(u, func(s string) bool { return validName(s, "-", 3, 63) })
	if err != nil {
		return nil, err
	}
	account, err := azureAccount(u, opts)
	if err != nil {
		return nil, err
	}
	server, err := endpoint(u, opts)
	if err != nil {
		return nil, err
	}
	if server == nil {
		server = &url.URL{Scheme: "https", Host: account + ".blob.core.windows.net"}
	}
	client, err := azureClient(server.JoinPath(name), account, opts)
	if err != nil {
		return nil, err
	}
	bucket, err := azureblob.OpenBucket(ctx, client, nil)
	if err != nil {
		return nil, err
	}
	return azure{cloud{bucket: bucket}, client}, nil
}

// azureAccount returns the storage account. It becomes a part of the server's
// name, and is checked.
func azureAccount(u *url.URL, opts Options) (string, error) {
	inURL := u.Query().Get(accountParameter)
	keys := secretKeys{values: opts.Credentials}
	inSecret := keys.take(accountNameKey)
	switch {
	case inURL != "" && inSecret != "" && inURL != inSecret:
		return "", fmt.Errorf("%w: parameter account and %s in the Secret name two accounts: remove one of them", ErrCredentials, accountNameKey)
	case inSecret != "":
		inURL = inSecret
	}
	if !validName(inURL, "", 3, 24) {
		return "", errors.New("the storage account is missing or no name of one: write azblob://container?account=name")
	}
	return inURL, nil
}

// azureClient returns a client of one container.
func azureClient(address *url.URL, account string, opts Options) (*container.Client, error) {
	httpClient, err := newClient(opts)
	if err != nil {
		return nil, err
	}
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: httpClient}}
	if len(opts.Credentials) == 0 {
		identity, err := azureIdentity(azcore.ClientOptions{})
		if err != nil {
			return nil, err
		}
		return container.NewClient(address.String(), azureToken{identity}, options)
	}
	keys := secretKeys{values: opts.Credentials}
	if token := keys.take(sasTokenKey); token != "" {
		address.RawQuery = strings.TrimPrefix(token, "?")
		return container.NewClientWithNoCredential(address.String(), options)
	}
	key := keys.need(accountKeyKey)
	if keys.err != nil {
		return nil, fmt.Errorf("%w, and no key %s either", keys.err, sasTokenKey)
	}
	shared, err := azblob.NewSharedKeyCredential(account, key)
	if err != nil {
		return nil, fmt.Errorf("%w: %s in the Secret that credentialsSecretName names is no base64", ErrCredentials, accountKeyKey)
	}
	return container.NewClientWithSharedKeyCredential(address.String(), shared, options)
}

// azureIdentity is that of the process: the pod's, or the machine's. The SDK's
// own choice would also run programs that it finds.
func azureIdentity(options azcore.ClientOptions) (azcore.TokenCredential, error) {
	if os.Getenv(federatedTokenFile) == "" {
		return azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ClientOptions: options})
	}
	identity, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{ClientOptions: options})
	if err != nil {
		return nil, errors.New("the workload identity of this process is not complete: check its AZURE_ variables")
	}
	return identity, nil
}

// azureToken is the identity of the process, which says what is missing.
type azureToken struct{ azcore.TokenCredential }

// GetToken returns a token.
func (t azureToken) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := t.TokenCredential.GetToken(ctx, o)
	return token, noIdentity(ctx, "Azure", err)
}
