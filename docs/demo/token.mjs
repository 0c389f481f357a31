// Cognito's ID tokens: who calls the shop's API.
import { createPublicKey, verify as verifySignature } from 'node:crypto';

const decode = (part) => JSON.parse(Buffer.from(part, 'base64url'));

/** Gives a function from an Authorization header to claims: null for a guest,
 * who has none; a token that is not good is an error with status 401. */
export const makeVerifier = ({ issuer, jwksUrl, page }) => {
  let keys;
  const fetchKeys = async () => {
    const answer = await fetch(jwksUrl);
    if (!answer.ok) throw new Error(`${jwksUrl}: ${answer.status}`);
    return new Map((await answer.json()).keys.map((key) => [key.kid, key]));
  };
  const check = (token) => {
    const [head, payload, signature] = token.split('.');
    const { alg, kid } = decode(head);
    const key = createPublicKey({ key: keys.get(kid), format: 'jwk' });
    const signed = Buffer.from(`${head}.${payload}`);
    const claims = decode(payload);
    return (
      alg === 'RS256' &&
      verifySignature('RSA-SHA256', signed, key, Buffer.from(signature, 'base64url')) &&
      claims.iss === issuer &&
      claims.aud === page.cognito.clientId &&
      claims.token_use === 'id' &&
      claims.exp * 1000 > Date.now() &&
      claims
    );
  };
  return async (authorization) => {
    if (!authorization) return null;
    keys ??= await fetchKeys();
    let claims = false;
    try {
      claims = check(authorization.replace(/^Bearer /, ''));
    } catch {
      // Not even the form of a token.
    }
    if (!claims) throw Object.assign(new Error('invalid token'), { status: 401 });
    return claims;
  };
};
