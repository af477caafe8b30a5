import ipaddr from 'ipaddr.js';

/*
 * Address blocks that are not public: the special-purpose blocks of the IANA registries (RFC 6890), multicast, and IPv6
 * blocks whose addresses may contain an IPv4 address of an internal network.
 * https://www.iana.org/assignments/iana-ipv4-special-registry
 * https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const refusedV4 = [
  // This network, private networks, carrier-grade NAT, loopback, link-local.
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  // Protocol assignments, documentation, AS112, AMT, 6to4 relays.
  ...['192.0.0.0/24', '192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24'],
  ...['192.168.0.0/16', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  // Multicast, reserved, broadcast.
  ...['224.0.0.0/4', '240.0.0.0/4'],
  // The Azure platform service that every virtual network can reach. The block around this address is public.
  '168.63.129.16/32',
].map((block) => ipaddr.IPv4.parseCIDR(block));

/** The block of all public IPv6 addresses, apart from the exceptions in `refusedV6`. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');
const refusedV6 = [
  // Protocol assignments (including Teredo, benchmarks and ORCHID), documentation, 6to4, AS112, the former 6bone.
  ...['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3ffe::/16', '3fff::/20'],
].map((block) => ipaddr.IPv6.parseCIDR(block));

/**
 * First half of the third quarter of an ISATAP address, which is `0000:5efe` or `0200:5efe`. The last quarter of such
 * an address is an IPv4 address.
 */
const isatap = [0x0000, 0x0200];

/** Whether an IP address in text form, as a resolver returns it, belongs to the public internet. */
export function isPublic(text: string): boolean {
  const address = ipaddr.parse(text);
  if (address instanceof ipaddr.IPv4) return !refusedV4.some((block) => address.match(block));
  const [, , , , fifth = 0, sixth] = address.parts;
  const holdsIPv4 = sixth === 0x5efe && isatap.includes(fifth);
  return address.match(globalUnicast) && !holdsIPv4 && !refusedV6.some((block) => address.match(block));
}
