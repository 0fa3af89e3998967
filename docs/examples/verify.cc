// SPDX-License-Identifier: Apache-2.0
// verify JWKS-FILE TOKEN: prints the subject of a token that the issuer https://id.example signed.
#include <sjwt.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

struct Free {
    void operator()(sjwt_keyset *keys) const
    {
        sjwt_keyset_free(keys);
    }
    void operator()(sjwt_token *token) const
    {
        sjwt_token_free(token);
    }
};

int main(int argc, char **argv)
{
    std::ifstream file(argc == 3 ? argv[1] : "");
    if (!file) {
        std::cerr << "usage: verify JWKS-FILE TOKEN\n";
        return 2;
    }
    const std::string jwks{std::istreambuf_iterator<char>(file), {}};
    const std::string text = argv[2];
    sjwt_keyset *keys;
    sjwt_status status = sjwt_keyset_parse(nullptr, jwks.data(), jwks.size(), &keys, nullptr);
    const std::unique_ptr<sjwt_keyset, Free> keys_owner(keys);
    if (status != SJWT_OK) {
        std::cerr << argv[1] << ": " << sjwt_status_text(status) << '\n';
        return 2;
    }

    const char *const required[] = {"sub", "exp"};
    sjwt_issuer_policy issuer{};
    issuer.issuer = "https://id.example";
    issuer.keys = keys;
    issuer.algorithms = sjwt_public_key_algorithms();
    issuer.required_claims = {required, std::size(required)};
    sjwt_policy policy{};
    policy.issuers = &issuer;
    policy.issuer_count = 1;
    policy.now = std::chrono::duration_cast<std::chrono::microseconds>(
                     std::chrono::system_clock::now().time_since_epoch())
                     .count();
    policy.leeway = 60;

    sjwt_token *token;
    status = sjwt_verify(nullptr, text.data(), text.size(), &policy, &token, nullptr);
    const std::unique_ptr<sjwt_token, Free> token_owner(token);
    if (status != SJWT_OK) {
        std::cerr << "refused: " << sjwt_status_text(status) << '\n';
        return 1;
    }
    const char *subject = sjwt_token_claim_string(token, "sub");
    std::cout << (subject != nullptr ? subject : "(not a string)") << '\n';
}
