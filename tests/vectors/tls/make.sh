#!/bin/sh
# Makes the certificates of the tests: an authority, and a server that it vouches for. The authority's
# key is thrown away. Run it in this folder.
set -eu
openssl ecparam -name prime256v1 -genkey -noout -out authority.key
openssl req -x509 -new -key authority.key -sha256 -days 36500 -subj "/CN=test authority" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign" \
    -out authority.pem
openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -outform DER \
    -out server.key.der
openssl req -new -keyform DER -key server.key.der -subj "/CN=test server" -out server.csr
cat > server.ext <<'END'
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectAltName=DNS:as.example.com,DNS:keys.example.com,DNS:localhost,IP:127.0.0.1
END
openssl x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial \
    -sha256 -days 36500 -extfile server.ext -outform DER -out server.der
rm -f authority.key authority.srl server.csr server.ext
