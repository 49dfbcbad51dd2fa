// provider.go: discovery, keys, the token endpoint, and yes to all the rest.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

var b64 = base64.RawURLEncoding

type provider struct {
	url      string
	client   string
	key      *ecdsa.PrivateKey
	kid      string
	lifetime atomic.Int64 // s, of the ID tokens of sign-ins; renewed ones have an hour
	calls    atomic.Int64 // at the token endpoint
}

func newProvider(port int, client string) *provider {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	fail(err)
	return &provider{url: fmt.Sprintf("http://127.0.0.1:%d", port), client: client, key: key,
		kid: "capacity-0123456789-0123456789-0123456789-0"}
}

func (p *provider) handler() http.Handler {
	mux := http.NewServeMux()
	issuer := p.url + "/oidc"
	answer(mux, "/oidc/.well-known/openid-configuration", map[string]any{
		"issuer": issuer, "authorization_endpoint": issuer + "/auth", "token_endpoint": issuer + "/token",
		"jwks_uri": issuer + "/jwks", "revocation_endpoint": issuer + "/token/revocation",
		"end_session_endpoint":                           issuer + "/session/end",
		"authorization_response_iss_parameter_supported": true,
		"code_challenge_methods_supported":               []string{"S256"},
		"id_token_signing_alg_values_supported":          []string{"ES384"},
		"token_endpoint_auth_methods_supported":          []string{"client_secret_basic", "client_secret_post"},
		"scopes_supported":                               []string{"openid", "offline_access", "profile", "roles"},
	})
	x, y := make([]byte, 48), make([]byte, 48)
	answer(mux, "/oidc/jwks", map[string]any{"keys": []any{map[string]string{"kty": "EC", "use": "sig", "crv": "P-384",
		"alg": "ES384", "kid": p.kid, "x": b64.EncodeToString(p.key.X.FillBytes(x)), "y": b64.EncodeToString(p.key.Y.FillBytes(y))}}})
	answer(mux, "/oidc/token/revocation", map[string]any{})
	mux.HandleFunc("/oidc/token", p.token)
	return mux
}

func answer(mux *http.ServeMux, path string, body any) {
	text, err := json.Marshal(body)
	fail(err)
	mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(text)
	})
}

// A code says what its token is to say: who.nonce; a refresh token says who.
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.calls.Add(1)
	w.Header().Set("Content-Type", "application/json")
	t := map[string]any{"access_token": "0123456789012345678901234567890123456789012", "expires_in": 3600,
		"token_type": "Bearer", "scope": "openid offline_access profile roles"}
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		user, nonce, _ := strings.Cut(r.PostFormValue("code"), ".")
		t["id_token"], t["refresh_token"] = p.idToken(user, nonce, p.lifetime.Load()), refreshToken(user)
	case "refresh_token":
		user, _, _ := strings.Cut(r.PostFormValue("refresh_token"), ".")
		t["id_token"], t["refresh_token"] = p.idToken(user, "", 3600), refreshToken(user)
	default:
		t["scope"] = "all"
	}
	json.NewEncoder(w).Encode(t)
}

func refreshToken(user string) string { return user + "." + strings.Repeat("x", 30) }

// The claims are Logto's.
func (p *provider) idToken(user, nonce string, lifetime int64) string {
	now := time.Now()
	claims := map[string]any{"sub": user, "name": user, "preferred_username": user, "picture": nil, "username": user,
		"email": user + "@example.com", "email_verified": true, "roles": []string{"gwuser"}, "sid": "sid-of-" + user + "-01",
		"updated_at": now.UnixMilli(), "created_at": now.UnixMilli(), "at_hash": "0123456789012345678901",
		"aud": p.client, "iss": p.url + "/oidc", "iat": now.Unix() - 120, "exp": now.Unix() + lifetime}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	body, err := json.Marshal(claims)
	fail(err)
	text := b64.EncodeToString([]byte(`{"alg":"ES384","typ":"JWT","kid":"`+p.kid+`"}`)) + "." + b64.EncodeToString(body)
	digest := sha512.Sum384([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, p.key, digest[:])
	fail(err)
	signature := make([]byte, 96)
	r.FillBytes(signature[:48])
	s.FillBytes(signature[48:])
	return text + "." + b64.EncodeToString(signature)
}
