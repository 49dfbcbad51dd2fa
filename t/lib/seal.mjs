// What the gateway seals for the browser, opened and made by a test
// (oidc/ngx_aigc_seal.c): node seal.mjs open|seal|mac KEY_FILE PURPOSE, lines of
// sealed text or of hexadecimal digits on stdin, and the other on stdout; mac
// prints what bound a session of version 1.0 to its browser.

import crypto from 'node:crypto';
import fs from 'node:fs';

const [verb, file, purpose] = process.argv.slice(2);
const key = Buffer.from(fs.readFileSync(file, 'utf8').split('\n')[0].trim(), 'hex');
const version = Buffer.from([1]);
const aad = Buffer.concat([version, Buffer.from(purpose)]);
const derive = (info, n) => Buffer.from(crypto.hkdfSync('sha256', key, '', info, n));

const verbs = {
  open(text) {
    const box = Buffer.from(text, 'base64url');
    const c = crypto.createDecipheriv('aes-256-gcm', key, box.subarray(4, 16));
    c.setAAD(aad);
    c.setAuthTag(box.subarray(-16));
    return Buffer.concat([c.update(box.subarray(16, -16)), c.final()]).toString('hex');
  },

  seal(text) {
    const nonce = crypto.randomBytes(12);
    const c = crypto.createCipheriv('aes-256-gcm', key, nonce);
    c.setAAD(aad);
    const sealed = Buffer.concat([c.update(Buffer.from(text, 'hex')), c.final()]);
    return Buffer.concat([version, derive('aigc hint', 3), nonce, sealed, c.getAuthTag()]).toString('base64url');
  },

  mac(text) {
    const c = crypto.createHmac('sha256', derive('aigc mac', 32));
    return c.update(purpose + '\0').update(Buffer.from(text, 'hex')).digest('base64url');
  },
};

for (const line of fs.readFileSync(0, 'utf8').trim().split('\n')) {
  console.log(verbs[verb](line));
}
