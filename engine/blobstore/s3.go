// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"context"
	"errors"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob/s3blob"

	"github.com/gopherwood/ark/engine"
)

// Keys of a Secret with credentials for S3.
const (
	accessKeyIDKey     = "accessKeyID"
	secretAccessKeyKey = "secretAccessKey"
	sessionTokenKey    = "sessionToken"
)

// anyRegion is what servers that have no regions call theirs.
const anyRegion = "us-east-1"

// openS3 opens s3://bucket.
func openS3(ctx context.Context, u *url.URL, _ Location, opts Options) (engine.Store, error) {
	name, err := bucketName(u, func(s string) bool { return validName(s, "-.", 3, 63) })
	if err != nil {
		return nil, err
	}
	server, err := endpoint(u, opts)
	if err == nil {
		err = noPath(server)
	}
	if err != nil {
		return nil, err
	}
	region, err := region(u, server)
	if err != nil {
		return nil, err
	}
	// Few servers of one's own have a DNS name for each bucket.
	pathStyle, err := flag(u, pathStyleParameter, server != nil)
	if err != nil {
		return nil, err
	}
	cfg, err := s3Config(ctx, region, opts)
	if err != nil {
		return nil, err
	}
	checksums := aws.RequestChecksumCalculationWhenSupported
	if server != nil {
		// Not every server knows the checksums that AWS's own has learnt since.
		checksums = aws.RequestChecksumCalculationWhenRequired
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = pathStyle
		o.RequestChecksumCalculation = checksums
		o.DisableLogOutputChecksumValidationSkipped = true
		if server != nil {
			o.BaseEndpoint = aws.String(server.String())
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}
	})
	bucket, err := s3blob.OpenBucket(ctx, client, name, &s3blob.Options{RequestChecksumCalculation: checksums})
	if err != nil {
		return nil, err
	}
	return cloud{bucket: bucket, conditions: &conditions{}}, nil
}

// region returns the region, which stands in the name of AWS's servers and is
// therefore checked.
func region(u, server *url.URL) (string, error) {
	region := u.Query().Get(regionParameter)
	if region == "" && server != nil {
		region = anyRegion
	}
	if !validName(region, "-", 1, 40) {
		return "", errors.New("parameter region is missing or no region: write s3://bucket?region=eu-central-1")
	}
	return region, nil
}

// s3Config returns how to reach S3: with the location's credentials, and then
// without a look at the process's environment, or with its identity.
func s3Config(ctx context.Context, region string, opts Options) (aws.Config, error) {
	client, err := newClient(opts)
	if err != nil {
		return aws.Config{}, err
	}
	if len(opts.Credentials) > 0 {
		keys := secretKeys{values: opts.Credentials}
		provider := credentials.NewStaticCredentialsProvider(
			keys.need(accessKeyIDKey), keys.need(secretAccessKeyKey), keys.take(sessionTokenKey))
		return aws.Config{Region: region, HTTPClient: client, Credentials: provider, Retryer: s3Retryer}, keys.err
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithRetryer(s3Retryer))
	if err != nil {
		return aws.Config{}, errors.New("read the AWS configuration of this process: check its AWS_ variables and files: " + redact(err.Error()))
	}
	// The SDK's own client, with AWS_CA_BUNDLE where that is set, keeps asking for the
	// identity; the bucket is asked by ours.
	cfg.HTTPClient = client
	cfg.Credentials = aws.NewCredentialsCache(awsIdentity{cfg.Credentials})
	return cfg, nil
}

// awsIdentity is the identity of the process, which says what is missing.
type awsIdentity struct{ aws.CredentialsProvider }

// Retrieve returns credentials.
func (i awsIdentity) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := i.CredentialsProvider.Retrieve(ctx)
	return c, noIdentity(ctx, "AWS", err)
}

// s3Retryer also repeats what a server refuses because somebody else is writing
// the same key: it then says that the key exists, or that it is free again. A
// gateway to a file system also stumbles over a folder that goes as it comes.
func s3Retryer() aws.Retryer {
	return retry.AddWithErrorCodes(retry.NewStandard(), "ConditionalRequestConflict", "OperationAborted", "ExistingObjectIsDirectory")
}
