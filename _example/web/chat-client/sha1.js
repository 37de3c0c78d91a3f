// sha1.js: SHA-1 by hand, because crypto.subtle is missing on plain http.

/** SHA-1 as hex of a text's UTF-8. */
export function sha1Hex(text) {
  const octets = new TextEncoder().encode(text);
  const blocks = (octets.length + 72) >> 6;
  const data = new DataView(new ArrayBuffer(blocks * 64));
  octets.forEach((octet, at) => data.setUint8(at, octet));
  data.setUint8(octets.length, 0x80);
  data.setUint32(blocks * 64 - 8, Math.floor(octets.length / 2 ** 29));
  data.setUint32(blocks * 64 - 4, octets.length << 3);
  const turn = (word, by) => (word << by) | (word >>> (32 - by));
  const hash = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const words = new Int32Array(80);
  for (let block = 0; block < blocks; block++) {
    let [a, b, c, d, e] = hash;
    for (let i = 0; i < 80; i++) {
      words[i] = i < 16 ? data.getInt32(block * 64 + i * 4) : turn(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
      const [mixed, constant] = i < 20 ? [(b & c) | (~b & d), 0x5a827999]
        : i < 40 ? [b ^ c ^ d, 0x6ed9eba1]
          : i < 60 ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc] : [b ^ c ^ d, 0xca62c1d6];
      [a, b, c, d, e] = [(turn(a, 5) + mixed + e + constant + words[i]) | 0, a, turn(b, 30), c, d];
    }
    [a, b, c, d, e].forEach((word, i) => { hash[i] = (hash[i] + word) | 0; });
  }
  return hash.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}
