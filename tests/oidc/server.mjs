// An OpenID provider under Entra's paths, for tests. See README.md.
import http from 'node:http';
import https from 'node:https';
import fs from 'node:fs';
import { createPublicKey } from 'node:crypto';
import { Provider, interactionPolicy } from 'oidc-provider';

const TENANT = process.env.TENANT ?? '11111111-2222-3333-4444-555555555555';
const PORT = +(process.env.PORT ?? 9443);
const TLS = process.env.TLS !== '0';
const origin = `${TLS ? 'https' : 'http'}://localhost:${PORT}`;
const issuer = `${origin}/${TENANT}/v2.0`;
const clientJwk = { ...createPublicKey(fs.readFileSync('client.crt')).export({ format: 'jwk' }), kid: 'c1', use: 'sig' };

const RS = { scope: '.default AdvancedHunting.Read user_impersonation', accessTokenFormat: 'jwt', accessTokenTTL: 3600,
             audience: 'https://api.security.microsoft.com' };
// Entra accepts prompt=select_account (azure-identity sends it); teach oidc-provider to accept and satisfy it
function policy() {
  const p = interactionPolicy.base();
  p.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);
  return p;
}
const provider = new Provider(issuer, {
  routes: { authorization: '/oauth2/v2.0/authorize', token: '/oauth2/v2.0/token', device_authorization: '/oauth2/v2.0/devicecode',
            code_verification: '/oauth2/deviceauth', jwks: '/discovery/v2.0/keys', userinfo: '/oidc/userinfo' },
  scopes: ['openid', 'offline_access', 'profile', 'https://api.security.microsoft.com/.default'],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'tid', 'oid'] },
  conformIdTokenClaims: false,
  clients: [
    { client_id: 'app-secret', client_secret: 's3cret', token_endpoint_auth_method: 'client_secret_post', grant_types: ['client_credentials'], response_types: [], redirect_uris: [] },
    { client_id: 'app-cert', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [clientJwk] }, grant_types: ['client_credentials'], response_types: [], redirect_uris: [] },
    { client_id: 'native', application_type: 'native', token_endpoint_auth_method: 'none',
      redirect_uris: ['http://localhost', 'http://127.0.0.1'], response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'] },
  ],
  features: {
    clientCredentials: { enabled: true }, deviceFlow: { enabled: true }, revocation: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: { enabled: true,
      defaultResource: async () => 'https://api.security.microsoft.com',
      getResourceServerInfo: async () => ({ ...RS, scope: RS.scope + ' https://api.security.microsoft.com/.default' }),
      useGrantedResource: async () => true },
  },
  pkce: { required: () => true },

  rotateRefreshToken: true,
  issueRefreshToken: async (ctx, client, code) => client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
  findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, name: 'Test User', preferred_username: `${id}@contoso.example`, tid: TENANT, oid: id }) }),
  ttl: { AccessToken: 3600, ClientCredentials: 3600, DeviceCode: 900, RefreshToken: 86400, AuthorizationCode: 60, IdToken: 3600, Grant: 86400, Interaction: 3600, Session: 86400 },
  extraTokenClaims: async (ctx, token) => ({ tid: TENANT, appid: token.clientId, roles: token.kind === 'ClientCredentials' ? ['AdvancedHunting.Read.All'] : undefined, scp: token.kind === 'AccessToken' ? 'AdvancedHunting.Read' : undefined }),
  extraParams: ['client_info', 'domain_hint', 'X-AnchorMailbox'],
  interactions: { policy: policy(), url: (ctx, i) => `/${TENANT}/interaction/${i.uid}` },
  cookies: { keys: ['k1'] },
});
provider.on('server_error', (ctx, err) => console.error('server_error', err));
provider.on('grant.error', (ctx, err) => console.error('grant.error', err.message, err.error_detail ?? '', err.cause?.message ?? ''));
provider.on('authorization.error', (ctx, err) => console.error('authorization.error', err.message, err.error_detail ?? ''));
const cb = provider.callback();
const prefix = `/${TENANT}`;
function handler(req, res) {
  console.error(req.method, req.url);
  if (!req.url.startsWith(prefix + '/')) { res.statusCode = 404; return res.end('{}'); }
  const wk = prefix + '/v2.0/.well-known/openid-configuration';
  let u = req.url.startsWith(wk) ? prefix + '/.well-known/openid-configuration' + req.url.slice(wk.length) : req.url;
  req.originalUrl = u;
  req.url = u.slice(prefix.length);
  if (req.url.startsWith('/interaction/')) return autoInteract(req, res).catch((e) => { console.error(e); res.statusCode = 500; res.end(String(e)); });
  cb(req, res);
}
// headless: sign `analyst` in and consent to everything, no HTML forms (AUTO_DENY=1 -> access_denied)
async function autoInteract(req, res) {
  const d = await provider.interactionDetails(req, res);
  if (process.env.AUTO_DENY) return provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'denied by test' });
  const accountId = d.session?.accountId ?? process.env.ACCOUNT ?? 'analyst';
  let grant = d.grantId ? await provider.Grant.find(d.grantId) : new provider.Grant({ accountId, clientId: d.params.client_id });
  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = d.prompt.details ?? {};
  if (d.prompt.name === 'consent') {
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
    for (const [rs, sc] of Object.entries(missingResourceScopes ?? {})) grant.addResourceScope(rs, sc.join(' '));
    const grantId = await grant.save();
    return provider.interactionFinished(req, res, { consent: { grantId } }, { mergeWithLastSubmission: true });
  }
  return provider.interactionFinished(req, res, { login: { accountId }, select_account: {} }, { mergeWithLastSubmission: true });
}
const srv = TLS ? https.createServer({ key: fs.readFileSync('tls.key'), cert: fs.readFileSync('leaf.crt') }, handler) : http.createServer(handler);
srv.listen(PORT, '127.0.0.1', () => console.error('listening', issuer));
