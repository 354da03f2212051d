#!/usr/bin/env python3
"""Tests of the hashes against known values."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import hashes


class Hashes(unittest.TestCase):
    """Values of the xxhash and google-crc32c packages."""

    VECTORS = [
        (b"", 0x2D06800538D394C2, 0x99AA06D3014798D86001C324468D497F, 0x00000000),
        (b"a", 0xE6C632B61E964E1F, 0xA96FAF705AF16834E6C632B61E964E1F, 0xC1D04330),
        (b"abc", 0x78AF5F94892F3950, 0x06B05AB6733A618578AF5F94892F3950, 0x364B3FB7),
        (b"12345678", 0x62E29B4CAD9E2EF6, 0x155C340CCFFD12DC2B3F7D2855DC91FC, 0x6087809A),
        (b"0123456789abcdef", 0x64439946D8FA212D, 0xCCBA8085A0434E9E0BEFB4873DBE58F8, 0x42D3119E),
        (b"x" * 64, 0x269CB9F6ACF81244, 0x445CABAF9820E986AC7D730B79AE9428, 0xDBC7EF63),
        (bytes(range(200)), 0xF42A8864FEAF0703, 0xCB0395310643BA0EDD97E9AF3609D9F5, 0xD90BE573),
        (bytes(range(256)) * 9, 0x5703BD07D242EA32, 0x3238FA0FB2F9F8ED5703BD07D242EA32, 0x29DEF29C),
    ]

    def test_known_values(self):
        for data, short, long, crc in self.VECTORS:
            self.assertEqual(hashes.xxh3_64(data), short, data[:16])
            self.assertEqual(hashes.xxh3_128(data), long, data[:16])
            self.assertEqual(hashes.crc32c(data), crc, data[:16])
        self.assertEqual(hashes.crc32c(b"123456789"), 0xE3069283)
        self.assertEqual(hashes.crc32c(b"6789", hashes.crc32c(b"12345")), 0xE3069283)

    def test_all_lengths(self):
        """One hash over the hashes of every length up to 1,100: each branch of XXH3 and its edges."""
        data = bytes(row * 7 % 251 for row in range(1_100))
        every = b"".join(hashes.xxh3_64(data[:n]).to_bytes(8, "big") + hashes.xxh3_128(data[:n]).to_bytes(16, "big")
                         for n in range(1_101))
        self.assertEqual(f"{hashes.xxh3_128(every):032x}", "55eeefd1cbb056c4fcaeec44e3dc455e")

    def test_against_the_package(self):
        try:
            import xxhash
        except ImportError:
            self.skipTest("the xxhash package is not installed")
        data = bytes(row * row % 253 for row in range(3_000))
        for size in range(0, 3_000, 13):
            self.assertEqual(hashes.xxh3_64(data[:size]), xxhash.xxh3_64_intdigest(data[:size]))
            self.assertEqual(hashes.xxh3_128(data[:size]), xxhash.xxh3_128_intdigest(data[:size]))


if __name__ == "__main__":
    unittest.main()
