#include "test.h"

#include "srp_server.h"

#include "buf.h"
#include "compat.h"
#include "err.h"
#include "srp.h"
#include "text.h"

/*
 * [srp]: vectors checked against two public implementations and a server's
 * recomputation (V1, V2, VE); V3 has leading zero bytes in salt, A and S,
 * where implementations differ, and follows the padded form.
 */
struct vector {
	const char *name, *account, *password; /* password in hex */
	enum srp_protocol protocol;
	int iterations;
	const char *salt, *a, *b_secret, *pub, *pub64, *b, *b64, *s, *k, *k64;
	const char *m1, *m1_64, *m2, *m2_64;
};

static const struct vector vectors[] = {
    {
	.name = "V1",
	.account = "test.user@example.com",
	.password = "636f727265637420686f727365206261747465727920737461706c65",
	.protocol = SRP_S2K,
	.iterations = 20064,
	.salt = "beb25379d1a8581eb5a727673a2441ee",
	.a = "60975527035cf2ad1989806f0407210bc81edc04e2762a56afd529ddda2d4393",
	.b_secret =
	    "e487cb59d31ac550471e81f00f6928e01dda08e974a004f49e61f5d105284d20",
	.pub =
	    "4b700f8d48e69c9aae40c684ac7c7c03121e2b7602eb4c3514804ccada0ed401"
	    "9193a351ecc65a6f854ede91eb096e721b22d701c7adc64e9cedacd75f2e26bb"
	    "2f5e45dd53dc8dbeafffe82aa49fca0573444691212537a73cf80e2503925820"
	    "5a7edf4749b30adaf25877c62fcd09d6613598bcd4baf2a9727a53706a278148"
	    "992b2abb23ad5d512d269e16ca11bc0895b5a3b5ec4721cde40a8c39c796e94f"
	    "0be86dbbeb33da7037018983921aba3f5053195d5ac1da4e567e3c0e75d9e060"
	    "9f92e850657b2be4771f415b9cacc5c1ecedc30133bf6474f5022c6519d78076"
	    "0ca4d8d3b966b034bd73877c1b3b33f474b9c3c5299a1968f3e6cd3bfe84445a",
	.pub64 =
	    "S3APjUjmnJquQMaErHx8AxIeK3YC60w1FIBMytoO1AGRk6NR7MZab4VO3pHrCW5y"
	    "GyLXAcetxk6c7azXXy4muy9eRd1T3I2+r//oKqSfygVzREaRISU3pzz4DiUDklgg"
	    "Wn7fR0mzCtryWHfGL80J1mE1mLzUuvKpcnpTcGongUiZKyq7I61dUS0mnhbKEbwI"
	    "lbWjtexHIc3kCow5x5bpTwvobbvrM9pwNwGJg5Iauj9QUxldWsHaTlZ+PA512eBg"
	    "n5LoUGV7K+R3H0FbnKzFweztwwEzv2R09QIsZRnXgHYMpNjTuWawNL1zh3wbOzP0"
	    "dLnDxSmaGWjz5s07/oREWg==",
	.b = "1b89beb36c9373bdd2fed6a047537f438ba00eb024931ec9b980ca607936df8e"
	     "74371d8edd1d1112951f0aef7ff3ed2243fb0fb0090e7f0944ebfa3fe15cd8c0"
	     "6e032dea6018b5d1b838ad21e3d8f0d8e15319351c8c339b4479d84797b76339"
	     "c28b5acfeac96d2a039e7cba838c9d1b6b2c303589a59d981efbcea773c6198f"
	     "2e06ea8d7ce79726a224fecc0b6a0342c2ec33943d34611167af1beda3b46520"
	     "b646fdb2097b9b43fa07564524a9391de4a408f00bb77fa4a26ae11e9f20f30a"
	     "c51fe547fcf293ef7c91f8e91a755122ce013abd697cb1969fc675ac83ac3972"
	     "62a53bc483752d0ef27fec4aabd0c9731beb4c6ee145c4051debbe40c825e66c",
	.b64 =
	    "G4m+s2yTc73S/tagR1N/Q4ugDrAkkx7JuYDKYHk23450Nx2O3R0REpUfCu9/8+0i"
	    "Q/sPsAkOfwlE6/o/4VzYwG4DLepgGLXRuDitIePY8NjhUxk1HIwzm0R52EeXt2M5"
	    "wotaz+rJbSoDnny6g4ydG2ssMDWJpZ2YHvvOp3PGGY8uBuqNfOeXJqIk/swLagNC"
	    "wuwzlD00YRFnrxvto7RlILZG/bIJe5tD+gdWRSSpOR3kpAjwC7d/pKJq4R6fIPMK"
	    "xR/lR/zyk+98kfjpGnVRIs4BOr1pfLGWn8Z1rIOsOXJipTvEg3UtDvJ/7Eqr0Mlz"
	    "G+tMbuFFxAUd675AyCXmbA==",
	.s = "61ca471b71e4ff182a5863bd4cf052782cb8bcf720c0f6c296cf35b93bcb2113"
	     "10e88ef51c3b4455aa88204e362ea0f4df9933ec239defe47a5ce0f61903b13f"
	     "9bddd9e4f11ce4f6a2945de44e01fb97fbd9a3bfee2a93868511076162d9051b"
	     "a06201e54e03f189f27e77681f0e21e7c5b3fa93f82ffcdb2b6dd886db7768e9"
	     "d2b69d733a90131b0756a5d6fa72b61051e13284f440f1174f79cadfdea58641"
	     "afb48a576576fc87ac59cffc979c89ece1c938949affc0d15042a9e55209a267"
	     "87244d356db975b348775d9b82af5e6a6df840ff1ff41e8c058244dd5b8844c0"
	     "9d0c7e97080fa891d156263adc46eb12118314e620ca08716aaf20933b768b8e",
	.k = "644e03e1a740a077837ba44c4d0529f6137de2e9c85e6493628b943bb4cb11ce",
	.k64 = "ZE4D4adAoHeDe6RMTQUp9hN94unIXmSTYouUO7TLEc4=",
	.m1 =
	    "c08616035fccfe77ee78973bed919fde97c03ace75056e4e6f10bd719b1621b5",
	.m1_64 = "wIYWA1/M/nfueJc77ZGf3pfAOs51BW5ObxC9cZsWIbU=",
	.m2 =
	    "78c5ba0061beba74ad1b24465a8088fb676c754c9a2536f633dfb3512474284d",
	.m2_64 = "eMW6AGG+unStGyRGWoCI+2dsdUyaJTb2M9+zUSR0KE0=",
    },
    {
	.name = "V2",
	.account = "Test.User@Example.com",
	.password = "50c3a4737377c3b672642de5af86e7a0812d31",
	.protocol = SRP_S2K_FO,
	.iterations = 20309,
	.salt = "5d41402abc4b2a76b9719d911017c592",
	.a = "93432ddadd29d5af562a76e204dc1ec80b2107046f808919adf25c0327559760",
	.b_secret =
	    "204d2805d1f5619ef404a074e908da1de028690ff0811e4750c51ad359cb87e4",
	.pub =
	    "ab611e0df234c9cecace7a95e60ee4bcf311150591376eaa9f289386535f3450"
	    "5b70c758ea85213150c5120b21b41c05a9eac980aa3422110acf75dada873d92"
	    "56bf96d3fe17bcfdacd1e18209e1fec99ace28ef650a7d7e456a6075b6d176c4"
	    "814b10d71f7d9af20ef6e89b326b0050cf6d8c6743bc87c2248299348c8bd025"
	    "3e559f5dea3469446b3be010c47dec46198dbcfa1f712f8680debbf16104f642"
	    "d38457d849b6ba97036c52812f59496f565f8e27c6c6e067f16770d546c6effb"
	    "a16261f39a0c2b97daba3ca6b294615833fe7a19b83a2e241e520c8c930f3a96"
	    "4581d74757a99e4b9e334e9b2e4504996c72f78005d177bcd68a55cc5b116e41",
	.pub64 =
	    "q2EeDfI0yc7KznqV5g7kvPMRFQWRN26qnyiThlNfNFBbcMdY6oUhMVDFEgshtBwF"
	    "qerJgKo0IhEKz3Xa2oc9kla/ltP+F7z9rNHhggnh/smazijvZQp9fkVqYHW20XbE"
	    "gUsQ1x99mvIO9uibMmsAUM9tjGdDvIfCJIKZNIyL0CU+VZ9d6jRpRGs74BDEfexG"
	    "GY28+h9xL4aA3rvxYQT2QtOEV9hJtrqXA2xSgS9ZSW9WX44nxsbgZ/FncNVGxu/7"
	    "oWJh85oMK5faujymspRhWDP+ehm4Oi4kHlIMjJMPOpZFgddHV6meS54zTpsuRQSZ"
	    "bHL3gAXRd7zWilXMWxFuQQ==",
	.b = "012708db721a99d128f5970302d9fb84be4c7695d3dfd801f30acb91629d30ae"
	     "9356b605f1f2753ced558c416aff51ffba29c5a6de821383437c584594ce20cd"
	     "034647f5ffea759a7c923968091f2f1c16792c7317777ccdf5c801e8cf919877"
	     "59e66c11145590ef25ab1c59eb7ee2c0666d5554a12c65868da9880bf75b31e8"
	     "6927b697c6ee31bc232be2166902a7cd53f57ec9d6ecc8b0dfa132533a38c1d3"
	     "d14776340ab84d504ac696adc094c27d0546cc7987319f119d8619563b5e0dc2"
	     "478234768b29e003fabd5db91c8b803abf3d8e7fba823d38ea78ae53541d39ed"
	     "90aacb6dc5faa25c1ea6a05aec308c78520e9c4b66afd7e7bab947b50c80dbdb",
	.b64 =
	    "AScI23IamdEo9ZcDAtn7hL5MdpXT39gB8wrLkWKdMK6TVrYF8fJ1PO1VjEFq/1H/"
	    "uinFpt6CE4NDfFhFlM4gzQNGR/X/6nWafJI5aAkfLxwWeSxzF3d8zfXIAejPkZh3"
	    "WeZsERRVkO8lqxxZ637iwGZtVVShLGWGjamIC/dbMehpJ7aXxu4xvCMr4hZpAqfN"
	    "U/V+ydbsyLDfoTJTOjjB09FHdjQKuE1QSsaWrcCUwn0FRsx5hzGfEZ2GGVY7Xg3C"
	    "R4I0dosp4AP6vV25HIuAOr89jn+6gj046niuU1QdOe2QqsttxfqiXB6moFrsMIx4"
	    "Ug6cS2av1+e6uUe1DIDb2w==",
	.s = "17a81919ea9961a2b892d7c8b95c4bca4d1ba506e2a7a4d133510b491a87f2c6"
	     "0001dbc7ad1da08738b6b6f47ad5ae843a0d3b706f7851a38b766893e0b372df"
	     "d4879ee8c23e1c978774bca818877ef46f41d083e582772c3c037f5b4e1fdcf7"
	     "9684835e971a58d219fb662b99a6f3c84c27f0c4eebda1a49328888835ce45e8"
	     "d92fd760c0b00b69b390766bc48bad793c57214f72ac28321f8dbeb857707668"
	     "5c623e625f16c0e2a680e9aec8e98623aa3fc13336afc8c75412a6cfd084951a"
	     "a70a775297a4072e71af53268a90528c4a2360f1e8b198fe4f721988ad8ca236"
	     "6d1dfadc3effdeac84a70a7128499049dd7e05d42999afa2ced253d1d3ac6433",
	.k = "72d546ce982511a9bc9ee6a01c48c96497415fe035ae91729ab99d649955872a",
	.k64 = "ctVGzpglEam8nuagHEjJZJdBX+A1rpFymrmdZJlVhyo=",
	.m1 =
	    "e24f98632ab8ffa20f23e8cac1dbb3f162ca99f08e07dcd9dab27a13d8ca9438",
	.m1_64 = "4k+YYyq4/6IPI+jKwduz8WLKmfCOB9zZ2rJ6E9jKlDg=",
	.m2 =
	    "1037dd1ec84c90007d23a9cbc6e44c01242b4362dcdf0f0ce4085d17ad5338d4",
	.m2_64 = "EDfdHshMkAB9I6nLxuRMASQrQ2Lc3w8M5AhdF61TONQ=",
    },
    {
	.name = "VE",
	.account = "",
	.password = "636f727265637420686f727365206261747465727920737461706c65",
	.protocol = SRP_S2K,
	.iterations = 20064,
	.salt = "beb25379d1a8581eb5a727673a2441ee",
	.a = "60975527035cf2ad1989806f0407210bc81edc04e2762a56afd529ddda2d4393",
	.b_secret =
	    "e487cb59d31ac550471e81f00f6928e01dda08e974a004f49e61f5d105284d20",
	.pub =
	    "4b700f8d48e69c9aae40c684ac7c7c03121e2b7602eb4c3514804ccada0ed401"
	    "9193a351ecc65a6f854ede91eb096e721b22d701c7adc64e9cedacd75f2e26bb"
	    "2f5e45dd53dc8dbeafffe82aa49fca0573444691212537a73cf80e2503925820"
	    "5a7edf4749b30adaf25877c62fcd09d6613598bcd4baf2a9727a53706a278148"
	    "992b2abb23ad5d512d269e16ca11bc0895b5a3b5ec4721cde40a8c39c796e94f"
	    "0be86dbbeb33da7037018983921aba3f5053195d5ac1da4e567e3c0e75d9e060"
	    "9f92e850657b2be4771f415b9cacc5c1ecedc30133bf6474f5022c6519d78076"
	    "0ca4d8d3b966b034bd73877c1b3b33f474b9c3c5299a1968f3e6cd3bfe84445a",
	.pub64 =
	    "S3APjUjmnJquQMaErHx8AxIeK3YC60w1FIBMytoO1AGRk6NR7MZab4VO3pHrCW5y"
	    "GyLXAcetxk6c7azXXy4muy9eRd1T3I2+r//oKqSfygVzREaRISU3pzz4DiUDklgg"
	    "Wn7fR0mzCtryWHfGL80J1mE1mLzUuvKpcnpTcGongUiZKyq7I61dUS0mnhbKEbwI"
	    "lbWjtexHIc3kCow5x5bpTwvobbvrM9pwNwGJg5Iauj9QUxldWsHaTlZ+PA512eBg"
	    "n5LoUGV7K+R3H0FbnKzFweztwwEzv2R09QIsZRnXgHYMpNjTuWawNL1zh3wbOzP0"
	    "dLnDxSmaGWjz5s07/oREWg==",
	.b = "1b89beb36c9373bdd2fed6a047537f438ba00eb024931ec9b980ca607936df8e"
	     "74371d8edd1d1112951f0aef7ff3ed2243fb0fb0090e7f0944ebfa3fe15cd8c0"
	     "6e032dea6018b5d1b838ad21e3d8f0d8e15319351c8c339b4479d84797b76339"
	     "c28b5acfeac96d2a039e7cba838c9d1b6b2c303589a59d981efbcea773c6198f"
	     "2e06ea8d7ce79726a224fecc0b6a0342c2ec33943d34611167af1beda3b46520"
	     "b646fdb2097b9b43fa07564524a9391de4a408f00bb77fa4a26ae11e9f20f30a"
	     "c51fe547fcf293ef7c91f8e91a755122ce013abd697cb1969fc675ac83ac3972"
	     "62a53bc483752d0ef27fec4aabd0c9731beb4c6ee145c4051debbe40c825e66c",
	.b64 =
	    "G4m+s2yTc73S/tagR1N/Q4ugDrAkkx7JuYDKYHk23450Nx2O3R0REpUfCu9/8+0i"
	    "Q/sPsAkOfwlE6/o/4VzYwG4DLepgGLXRuDitIePY8NjhUxk1HIwzm0R52EeXt2M5"
	    "wotaz+rJbSoDnny6g4ydG2ssMDWJpZ2YHvvOp3PGGY8uBuqNfOeXJqIk/swLagNC"
	    "wuwzlD00YRFnrxvto7RlILZG/bIJe5tD+gdWRSSpOR3kpAjwC7d/pKJq4R6fIPMK"
	    "xR/lR/zyk+98kfjpGnVRIs4BOr1pfLGWn8Z1rIOsOXJipTvEg3UtDvJ/7Eqr0Mlz"
	    "G+tMbuFFxAUd675AyCXmbA==",
	.s = "61ca471b71e4ff182a5863bd4cf052782cb8bcf720c0f6c296cf35b93bcb2113"
	     "10e88ef51c3b4455aa88204e362ea0f4df9933ec239defe47a5ce0f61903b13f"
	     "9bddd9e4f11ce4f6a2945de44e01fb97fbd9a3bfee2a93868511076162d9051b"
	     "a06201e54e03f189f27e77681f0e21e7c5b3fa93f82ffcdb2b6dd886db7768e9"
	     "d2b69d733a90131b0756a5d6fa72b61051e13284f440f1174f79cadfdea58641"
	     "afb48a576576fc87ac59cffc979c89ece1c938949affc0d15042a9e55209a267"
	     "87244d356db975b348775d9b82af5e6a6df840ff1ff41e8c058244dd5b8844c0"
	     "9d0c7e97080fa891d156263adc46eb12118314e620ca08716aaf20933b768b8e",
	.k = "644e03e1a740a077837ba44c4d0529f6137de2e9c85e6493628b943bb4cb11ce",
	.k64 = "ZE4D4adAoHeDe6RMTQUp9hN94unIXmSTYouUO7TLEc4=",
	.m1 =
	    "3fbd7c8b36890abfb8bea3221292161bc48aa8a846c34c56f9610f520dcdc487",
	.m1_64 = "P718izaJCr+4vqMiEpIWG8SKqKhGw0xW+WEPUg3NxIc=",
	.m2 =
	    "68ed7cca8382ab2295ad4500612eab3816c58c1b2fa12d8c255d294d06601391",
	.m2_64 = "aO18yoOCqyKVrUUAYS6rOBbFjBsvoS2MJV0pTQZgE5E=",
    },
    {
	.name = "V3",
	.account = "pad@example.com",
	.password = "70616464696e672d74657374",
	.protocol = SRP_S2K,
	.iterations = 1000,
	.salt = "00b25379d1a8581eb5a727673a2441ee",
	.a = "f2c03ff55ee9eb2728694b74fc3990f9fe4785f984aa366151cf431530efa084",
	.b_secret =
	    "d39b666110b51507d08e07c7d2b4cf7435834315715de73098686534abf9d0c3",
	.pub =
	    "00e54365a9039d79db03693a598742222772b694685694ce5ded245dc4845113"
	    "408b0134132e33c3da970e0e5b7b700c06bfa37a1c73a6c7159228debaa8bfdf"
	    "702e5a6feb95476ee09694c1000b4be9dbf8844bba13c38c3d9cd87b12edba81"
	    "5a956534516a5d72af0d4fe459544a3f105d690378d67d4505d10a8df6a3b820"
	    "df8b8d573b1f9ad527302d3fe82c16b04c352953fcb70a7c98d9993b99d3a3ea"
	    "7160a9f03b8ddfa46dfc8716c6047d31c853a43f898e2e128f1ffeedfc94b528"
	    "ea11e39578bc6964b20dfe3e98c871a11ad5c15d4d7a7db20b391e4617f2e364"
	    "711bddfb27a1783b69eb51b22c461be4ed49a3494494e41fb3f687164ad9b9dc",
	.pub64 =
	    "AOVDZakDnXnbA2k6WYdCIidytpRoVpTOXe0kXcSEURNAiwE0Ey4zw9qXDg5be3AM"
	    "Br+jehxzpscVkijeuqi/33AuWm/rlUdu4JaUwQALS+nb+IRLuhPDjD2c2HsS7bqB"
	    "WpVlNFFqXXKvDU/kWVRKPxBdaQN41n1FBdEKjfajuCDfi41XOx+a1ScwLT/oLBaw"
	    "TDUpU/y3CnyY2Zk7mdOj6nFgqfA7jd+kbfyHFsYEfTHIU6Q/iY4uEo8f/u38lLUo"
	    "6hHjlXi8aWSyDf4+mMhxoRrVwV1Nen2yCzkeRhfy42RxG937J6F4O2nrUbIsRhvk"
	    "7UmjSUSU5B+z9ocWStm53A==",
	.b = "403d7942326e859edab6a8309ae1399dae31510c416ac7125b2b6c55d4ff2b01"
	     "5a7d144c511ff7c89640599332147e039e181df80b94e2ebede9e5a2c967db1e"
	     "9a49363dd74b832c24a6703f0823d35d634071abc3177483e4cd6fb63ed25a99"
	     "6585034565524268b38bbee70fee6284b94be620cb393c121ca077d5e227274c"
	     "b4089718e3c6587021a1719fb7b117a70be9bce83ec9b351538c53b7baf6564a"
	     "cb99af963b29bd323e9d8ca811d19490d4c7335ffb8b7b80a909bad000a27472"
	     "8dff311ef4919cc76fd7a51beef2901d2c446e424153616b466c32a6e8d67a94"
	     "79cb76c75f859473c811a6879e488cbfc78c4c953d1acc800c10a315af9111f8",
	.b64 =
	    "QD15QjJuhZ7atqgwmuE5na4xUQxBascSWytsVdT/KwFafRRMUR/3yJZAWZMyFH4D"
	    "nhgd+AuU4uvt6eWiyWfbHppJNj3XS4MsJKZwPwgj011jQHGrwxd0g+TNb7Y+0lqZ"
	    "ZYUDRWVSQmizi77nD+5ihLlL5iDLOTwSHKB31eInJ0y0CJcY48ZYcCGhcZ+3sRen"
	    "C+m86D7Js1FTjFO3uvZWSsuZr5Y7Kb0yPp2MqBHRlJDUxzNf+4t7gKkJutAAonRy"
	    "jf8xHvSRnMdv16Ub7vKQHSxEbkJBU2FrRmwypujWepR5y3bHX4WUc8gRpoeeSIy/"
	    "x4xMlT0azIAMEKMVr5ER+A==",
	.s = "006849996ed2078abda02b6645846e71b2b689ffed282c807f343746becac6fb"
	     "e40ee5782b352871f7fa5f5e6f26934c6f3238a3e98b39a41ef9599bb101e19b"
	     "c260f1a1f0ee6a391a8d1b3fe52f5f9a2b819c52d353b6075928c34473ad94fe"
	     "7d4e8e6a7eb381754104f74def6e6b97b89be6c9baf28c49f336cae026f3e4aa"
	     "d80491d646f05d58f9eb8e16c16f955961ce8c9969ea969897d018cc145b6999"
	     "f15ba332872265a749c4cdb350b738ddf0d5247d09bb6c879a65f2a6724451d7"
	     "226c6b49b2463686af7975a3bd2be65adfd3a8e1ea74feda8ee739d6591f038d"
	     "c993ff84e4c2b014437fb05589f59e2bccce544e08f50289b1dc2085cf540d0b",
	.k = "53b129b5dca987b81d96e1d025008b74881f389940d72023f391c630b54f6c86",
	.k64 = "U7Eptdyph7gdluHQJQCLdIgfOJlA1yAj85HGMLVPbIY=",
	.m1 =
	    "34b5d3235c8810a9dc5730053b758a5c21e98383c7b2f5456aa03bca594c01a0",
	.m1_64 = "NLXTI1yIEKncVzAFO3WKXCHpg4PHsvVFaqA7yllMAaA=",
	.m2 =
	    "8e015318396eecd5d62e547663f6468164da6f4d0b2395b4bf678748fb360291",
	.m2_64 = "jgFTGDlu7NXWLlR2Y/ZGgWTab00LI5W0v2eHSPs2ApE=",
    },
};
#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

/* What implementations that strip zeros make of V3: the bug to recognise. */
static const char *const v3_stripped[] = {
    "8859349ea3437591381e0367846c61fcc05f264b27ada37ba1c8cd249f3a5588",
    "07e4fcd762c9813bb85237357db073794b38480159b9b66469115308e6de0f03",
};

static void
assert_hex(const uint8_t *p, size_t n, const char *hex)
{
	char text[2 * SRP_BYTES + 1];

	text_hex(text, p, n);
	assert_string_equal(text, hex);
}

static void
assert_base64(const uint8_t *p, size_t n, const char *expected)
{
	struct buf b = {0};

	text_base64(&b, p, n);
	assert_string_equal(buf_text(&b), expected);
	buf_clear(&b);
}

/* The parts of a vector as bytes, and a challenge made of them. */
struct parts {
	char password[64];
	uint8_t salt[16], a[32], b[SRP_BYTES], b_secret[32];
	struct srp_challenge ch;
};

static void
take(struct parts *p, const struct vector *v)
{
	size_t n = strlen(v->password) / 2;

	memset(p, 0, sizeof(*p));
	assert_true(n < sizeof(p->password));
	assert_int_equal(text_unhex((uint8_t *)p->password, n, v->password), 0);
	assert_int_equal(text_unhex(p->salt, 16, v->salt), 0);
	assert_int_equal(text_unhex(p->a, 32, v->a), 0);
	assert_int_equal(text_unhex(p->b, SRP_BYTES, v->b), 0);
	assert_int_equal(text_unhex(p->b_secret, 32, v->b_secret), 0);
	p->ch.protocol = v->protocol;
	p->ch.salt = p->salt;
	p->ch.salt_len = sizeof(p->salt);
	p->ch.b = p->b;
	p->ch.b_len = sizeof(p->b);
	p->ch.iterations = v->iterations;
}

static void
test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_VECTORS; i++) {
		const struct vector *v = &vectors[i];
		struct srp_proof proof;
		struct err e = ERR_INIT;
		uint8_t pub[SRP_BYTES];
		struct parts p;
		struct srp *s;

		take(&p, v);
		s = srp_new(p.a);
		srp_public(pub, s);
		assert_hex(pub, sizeof(pub), v->pub);
		assert_base64(pub, sizeof(pub), v->pub64);
		assert_base64(p.b, sizeof(p.b), v->b64);
		assert_int_equal(
		    srp_prove(&proof, s, v->account, p.password, &p.ch, &e), 0);
		assert_hex(proof.k, SRP_HASH, v->k);
		assert_hex(proof.m1, SRP_HASH, v->m1);
		assert_hex(proof.m2, SRP_HASH, v->m2);
		assert_base64(proof.k, SRP_HASH, v->k64);
		assert_base64(proof.m1, SRP_HASH, v->m1_64);
		assert_base64(proof.m2, SRP_HASH, v->m2_64);
		srp_free(s);
	}
}

/* The server of these tests comes to the vectors' values too. */
static void
test_server(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_VECTORS; i++) {
		const struct vector *v = &vectors[i];
		uint8_t m1[32], m2[32], k[32], secret[256], pub[256];
		char *lower = xstrdup(v->account);
		struct srp_server server;
		struct parts p;

		take(&p, v);
		for (char *c = lower; *c != '\0'; c++)
			if (*c >= 'A' && *c <= 'Z')
				*c += 'a' - 'A';
		srp_server_init(&server, p.password, v->protocol == SRP_S2K_FO,
		    p.salt, 16, v->iterations, p.b_secret);
		assert_hex(server.pub, 256, v->b);
		assert_int_equal(text_unhex(pub, 256, v->pub), 0);
		srp_server_expect(m1, m2, k, secret, &server, pub, lower);
		assert_hex(secret, 256, v->s);
		assert_hex(k, 32, v->k);
		assert_hex(m1, 32, v->m1);
		assert_hex(m2, 32, v->m2);
		srp_server_clear(&server);
		free(lower);
	}
}

static void
test_zeros_are_kept(void **state)
{
	const struct vector *v = &vectors[N_VECTORS - 1];

	(void)state;
	assert_string_equal(v->name, "V3");
	assert_memory_equal(v->salt, "00", 2);
	assert_memory_equal(v->pub, "00", 2);
	assert_memory_equal(v->s, "00", 2);
	for (size_t i = 0; i < 2; i++)
		assert_string_not_equal(v->m1, v3_stripped[i]);
}

/* Values out of range are refused, and leave no proof behind. */
static void
refuse(const struct srp *s, const struct srp_challenge *ch)
{
	static const struct srp_proof none;
	struct srp_proof proof;
	struct err e = ERR_INIT;

	memset(&proof, 1, sizeof(proof));
	assert_int_equal(
	    srp_prove(&proof, s, "jd@example.com", "x", ch, &e), -1);
	assert_int_equal(e.code, ERR_PROTOCOL);
	assert_true(e.what[0] != '\0' && e.next[0] != '\0');
	assert_memory_equal(&proof, &none, sizeof(proof));
}

static void
test_out_of_range(void **state)
{
	uint8_t b[SRP_BYTES + 1] = {0};
	struct srp_challenge ch;
	struct srp_proof proof;
	struct err e = ERR_INIT;
	struct parts p;
	struct srp *s;

	(void)state;
	take(&p, &vectors[0]);
	s = srp_new(NULL);

	ch = p.ch; /* B = 0 */
	ch.b = b;
	refuse(s, &ch);
	ch.b_len = 1;
	refuse(s, &ch);
	ch.b_len = 0;
	refuse(s, &ch);

	/* B = N, N + 1, and all ones */
	ch.b_len = SRP_BYTES;
	assert_int_equal(text_unhex(b, SRP_BYTES, srp_server_n), 0);
	refuse(s, &ch);
	b[SRP_BYTES - 1]++;
	refuse(s, &ch);
	memset(b, 0xff, sizeof(b));
	refuse(s, &ch);
	/* N - 1 is in range */
	assert_int_equal(text_unhex(b, SRP_BYTES, srp_server_n), 0);
	b[SRP_BYTES - 1]--;
	ch.iterations = 1;
	assert_int_equal(srp_prove(&proof, s, "jd", "x", &ch, &e), 0);
	/* longer than N, though small as a number */
	memset(b, 0, sizeof(b));
	b[SRP_BYTES] = 5;
	ch.b_len = SRP_BYTES + 1;
	refuse(s, &ch);

	ch = p.ch;
	ch.iterations = 0;
	refuse(s, &ch);
	ch.iterations = -1;
	refuse(s, &ch);
	ch.iterations = 1000001;
	refuse(s, &ch);
	ch = p.ch;
	ch.salt_len = 0;
	refuse(s, &ch);
	srp_free(s);
	srp_free(NULL);
}

/* A B shorter than 256 bytes counts as received in M1, padded in u. */
static void
test_short_b(void **state)
{
	struct srp_challenge ch;
	struct srp_proof padded, as_is;
	struct err e = ERR_INIT;
	uint8_t b[SRP_BYTES] = {0};
	struct parts p;
	struct srp *s;

	(void)state;
	take(&p, &vectors[0]);
	s = srp_new(p.a);
	ch = p.ch;
	ch.iterations = 1;
	b[SRP_BYTES - 1] = 7;
	ch.b = b;
	assert_int_equal(srp_prove(&padded, s, "jd", "x", &ch, &e), 0);
	ch.b = b + SRP_BYTES - 1;
	ch.b_len = 1;
	assert_int_equal(srp_prove(&as_is, s, "jd", "x", &ch, &e), 0);
	assert_memory_equal(padded.k, as_is.k, SRP_HASH);
	assert_memory_not_equal(padded.m1, as_is.m1, SRP_HASH);
	srp_free(s);
}

/* Drawn values: A is new each time and never begins with a zero byte. */
static void
test_draws(void **state)
{
	uint8_t before[SRP_BYTES] = {0}, pub[SRP_BYTES];

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct srp *s = srp_new(NULL);

		srp_public(pub, s);
		assert_true(pub[0] != 0);
		assert_memory_not_equal(pub, before, SRP_BYTES);
		memcpy(before, pub, SRP_BYTES);
		srp_free(s);
	}
}

/*
 * Many sign-ins with random values, against a server that knows the formulas.
 */

#define SIGN_INS 2000

static uint32_t
random_below(uint32_t n)
{
	uint32_t r;

	compat_random(&r, sizeof(r));
	return r % n;
}

/* A password as people have them: of any script, blanks at its ends too. */
static void
random_password(char *out)
{
	static const struct {
		uint32_t first, n;
	} scripts[] = {{0x20, 95}, {0xa0, 96}, {0x300, 112}, {0x391, 90},
	    {0x5d0, 27}, {0x4e00, 20000}, {0xac00, 11000}, {0x1f300, 700}};
	uint32_t len = 1 + random_below(24), c, i;

	while (len-- > 0) {
		i = random_below(sizeof(scripts) / sizeof(scripts[0]));
		if (random_below(2) == 0)
			i = 0;
		c = scripts[i].first + random_below(scripts[i].n);
		if (c < 0x80) {
			*out++ = (char)c;
		} else if (c < 0x800) {
			*out++ = (char)(0xc0 | c >> 6);
			*out++ = (char)(0x80 | (c & 0x3f));
		} else if (c < 0x10000) {
			*out++ = (char)(0xe0 | c >> 12);
			*out++ = (char)(0x80 | (c >> 6 & 0x3f));
			*out++ = (char)(0x80 | (c & 0x3f));
		} else {
			*out++ = (char)(0xf0 | c >> 18);
			*out++ = (char)(0x80 | (c >> 12 & 0x3f));
			*out++ = (char)(0x80 | (c >> 6 & 0x3f));
			*out++ = (char)(0x80 | (c & 0x3f));
		}
	}
	*out = '\0';
}

/* What is drawn again until it begins with a zero byte. */
enum zeros { ANY, ZERO_SALT, ZERO_KEYS, ZERO_A, ZERO_B, ZERO_S };

struct sign_in {
	uint8_t a[32], b[32], salt[16], pub[SRP_BYTES], secret[SRP_BYTES];
	uint8_t m1[SRP_HASH], m2[SRP_HASH], k[SRP_HASH];
	char password[100], account[40];
	struct srp_challenge ch;
	struct srp_server server;
	struct srp *s;
};

/* Draw one; false: what should begin with zeros does not. */
static bool
draw_sign_in(struct sign_in *x, enum zeros want)
{
	memset(x, 0, sizeof(*x));
	compat_random(x->a, sizeof(x->a));
	compat_random(x->b, sizeof(x->b));
	compat_random(x->salt, sizeof(x->salt));
	if (want == ZERO_SALT)
		memset(x->salt, 0, 1 + random_below(3));
	if (want == ZERO_KEYS) {
		memset(x->a, 0, 1 + random_below(3));
		memset(x->b, 0, 1 + random_below(3));
	}
	x->s = srp_new(x->a);
	srp_public(x->pub, x->s);
	if (want == ZERO_A && x->pub[0] != 0)
		return false;
	random_password(x->password);
	snprintf(x->account, sizeof(x->account), "%u.J\xc3\xb6@example.com",
	    random_below(1000000));
	x->ch.protocol = random_below(2) ? SRP_S2K : SRP_S2K_FO;
	x->ch.iterations = 1 + random_below(9);
	x->ch.salt = x->salt;
	x->ch.salt_len = sizeof(x->salt);
	srp_server_init(&x->server, x->password, x->ch.protocol == SRP_S2K_FO,
	    x->salt, sizeof(x->salt), (int)x->ch.iterations, x->b);
	x->ch.b = x->server.pub;
	x->ch.b_len = sizeof(x->server.pub);
	if (want == ZERO_B && x->server.pub[0] != 0)
		return false;
	srp_server_expect(
	    x->m1, x->m2, x->k, x->secret, &x->server, x->pub, "");
	return want != ZERO_S || x->secret[0] == 0;
}

static void
clear_sign_in(struct sign_in *x)
{
	if (x->server.n != NULL)
		srp_server_clear(&x->server);
	srp_free(x->s);
}

static void
prove_sign_in(const struct sign_in *x)
{
	struct srp_proof proof, other;
	uint8_t m1[SRP_HASH], m2[SRP_HASH], k[SRP_HASH];
	struct err e = ERR_INIT;
	char lower[40], wrong[101];

	/* Hashed as it is sent: in lower case. */
	snprintf(lower, sizeof(lower), "%s", x->account);
	lower[strcspn(lower, "J")] = 'j';
	srp_server_expect(m1, m2, k, NULL, &x->server, x->pub, lower);
	assert_int_equal(
	    srp_prove(&proof, x->s, x->account, x->password, &x->ch, &e), 0);
	assert_memory_equal(proof.k, k, SRP_HASH);
	assert_memory_equal(proof.m1, m1, SRP_HASH);
	assert_memory_equal(proof.m2, m2, SRP_HASH);
	if (random_below(10) > 0)
		return;
	/* Escrow, with the empty name; and a blank too many proves nothing. */
	assert_int_equal(
	    srp_prove(&proof, x->s, "", x->password, &x->ch, &e), 0);
	assert_memory_equal(proof.m1, x->m1, SRP_HASH);
	assert_memory_equal(proof.m2, x->m2, SRP_HASH);
	snprintf(wrong, sizeof(wrong), "%s ", x->password);
	assert_int_equal(srp_prove(&other, x->s, "", wrong, &x->ch, &e), 0);
	assert_memory_not_equal(other.m1, x->m1, SRP_HASH);
}

static void
test_random_sign_ins(void **state) /* B090 */
{
	struct sign_in x;

	(void)state;
	for (int i = 0; i < SIGN_INS; i++) {
		/* One in 256 begins with a zero: some are waited for. */
		enum zeros want = i < 9 ? (enum zeros)(ZERO_A + i % 3)
		    : i % 4 == 0        ? ZERO_SALT
		    : i % 4 == 1        ? ZERO_KEYS
					: ANY;
		int draws = 0;

		while (!draw_sign_in(&x, want)) {
			clear_sign_in(&x);
			assert_true(++draws < 20000);
		}
		prove_sign_in(&x);
		clear_sign_in(&x);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_server),
	    cmocka_unit_test(test_zeros_are_kept),
	    cmocka_unit_test(test_out_of_range),
	    cmocka_unit_test(test_short_b),
	    cmocka_unit_test(test_draws),
	    cmocka_unit_test(test_random_sign_ins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
