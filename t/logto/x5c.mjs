// A self-signed certificate in DER, for a forged token's x5c header.

import crypto from 'node:crypto';

const COMMON_NAME = '0603550403';

// Algorithm identifier and digest by the key's type.
const SIGNATURE = {
  EC: ['300a06082a8648ce3d040302', 'sha256'],
  RSA: ['300d06092a864886f70d01010b0500', 'sha256'],
  OKP: ['300506032b6570', null],
};

function der(tag, ...parts) {
  const body = Buffer.concat(parts.map((part) => (
    typeof part === 'string' ? Buffer.from(part, 'hex') : part)));
  const { length } = body;
  const size = length < 128 ? [length]
    : [...(length < 256 ? [0x81] : [0x82, length >> 8]), length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

const sequence = (...parts) => der(0x30, ...parts);

const time = (date) => der(0x17, Buffer.from(
  `${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));

export function selfSigned(jwk) {
  const key = crypto.createPrivateKey({ key: jwk, format: 'jwk' });
  const spki = crypto.createPublicKey(key).export({ type: 'spki', format: 'der' });
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from('attacker')))));
  const [algorithm, digest] = SIGNATURE[jwk.kty];
  const now = Date.now();
  const validity = sequence(time(new Date(now - 3600e3)), time(new Date(now + 86400e3)));
  const serial = der(0x02, '01');
  const version = der(0xa0, der(0x02, '02'));

  const body = sequence(version, serial, algorithm, name, validity, name, spki);
  const signature = crypto.sign(digest, body, key);
  return sequence(body, algorithm, der(0x03, '00', signature));
}
