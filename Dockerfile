# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

# For those who have a builder; make image writes the same image without one.
#
# The binary is static and brings its own time zones; what object storage's
# certificates are checked against comes from the machine that builds:
#
#	make build
#	docker build --build-context certificates=/etc/ssl/certs -t ark .
FROM scratch
COPY --from=certificates ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY bin/ark /ark
USER 65532:65532
ENTRYPOINT ["/ark"]
CMD ["server"]
