#include "common/runtime/http_message.h"

#include "common/runtime/address.h"
#include "tests/support/unit.h"

static void gather(void *self, struct text data) {
    buf_append_text(self, data);
}

/* Feeds the bytes in pieces of `step`; false as soon as the parser refuses. */
static bool feed(struct http_parser *parser, struct text bytes, size_t step, struct error *error) {
    while (bytes.size > 0) {
        struct text piece = text_sub(bytes, 0, step);
        bytes = text_sub(bytes, piece.size, bytes.size);
        if (!http_parser_feed(parser, &piece, error))
            return false;
    }
    return true;
}

TEST(an_address_of_ipv6_is_joined_with_its_port_by_brackets) {
    char joined[ADDRESS_TEXT_SIZE];

    address_join(TEXT("::1"), 5050, joined);
    assert_string_equal(joined, "[::1]:5050");
    address_join(TEXT("n17"), 5051, joined);
    assert_string_equal(joined, "n17:5051");
}

TEST(a_chunked_answer_is_the_same_however_it_is_cut) {
    struct text bytes = TEXT("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Fine\r\nX-A:  b \r\n"
                             "Transfer-Encoding: chunked\r\n\r\n"
                             "5\r\nhello\r\nA;x=y\r\n, world!!!\r\n0\r\nTrailer: z\r\n\r\n");
    for (size_t step = 1; step <= bytes.size; step++) {
        AUTO_FINI(buf_fini) struct buf body = {0};
        AUTO(http_parser_free) struct http_parser *parser = http_parser_new(false, gather, &body);
        assert_true(feed(parser, bytes, step, NULL));
        assert_true(http_parser_is_done(parser));
        assert_int_equal(http_parser_head(parser)->status, 200);
        assert_text_equal(http_head_find(http_parser_head(parser), "x-a"), "b");
        assert_text_equal(buf_text(&body), "hello, world!!!");
    }
}

TEST(bytes_behind_a_message_are_left_alone) {
    AUTO(http_parser_free) struct http_parser *parser = http_parser_new(false, NULL, NULL);
    struct text bytes = TEXT("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokrest");

    assert_true(http_parser_feed(parser, &bytes, NULL));

    assert_true(http_parser_is_done(parser));
    assert_text_equal(bytes, "rest");
}

TEST(an_answer_without_length_ends_with_its_connection) {
    AUTO_FINI(buf_fini) struct buf body = {0};
    AUTO(http_parser_free) struct http_parser *parser = http_parser_new(false, gather, &body);

    assert_true(feed(parser, TEXT("HTTP/1.0 200 OK\r\n\r\nabc"), 1, NULL));
    assert_false(http_parser_is_done(parser));
    assert_true(http_parser_end(parser, NULL));

    assert_text_equal(buf_text(&body), "abc");
}

TEST(an_answer_that_is_cut_short_is_an_error) {
    AUTO(http_parser_free) struct http_parser *parser = http_parser_new(false, NULL, NULL);
    struct error error;

    assert_true(feed(parser, TEXT("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), 99, NULL));

    assert_false(http_parser_end(parser, &error));
    assert_int_equal(error.code, ERROR_CLOSED);
}

TEST(what_is_no_http_is_refused) {
    static const char *const wrong[] = {
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 999 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        AUTO(http_parser_free) struct http_parser *parser = http_parser_new(false, NULL, NULL);
        assert_false(feed(parser, text_of(wrong[i]), 1000, NULL));
    }
}

TEST(a_head_without_end_is_cut_at_the_limit) {
    AUTO(http_parser_free) struct http_parser *parser = http_parser_new(false, NULL, NULL);
    struct error error = {0};
    bool is_fine = feed(parser, TEXT("HTTP/1.1 200 OK\r\n"), 99, NULL);

    for (int i = 0; is_fine && i < 100000; i++)
        is_fine = feed(parser, TEXT("X-Endless: yes\r\n"), 99, &error);

    assert_false(is_fine);
    assert_int_equal(error.code, ERROR_LIMIT);
}

TEST(a_request_cannot_be_made_to_carry_lines_of_its_own) {
    AUTO_FINI(buf_fini) struct buf out = {0};
    struct http_header bad = {"X-A", "b\r\nX-Evil: yes"};

    assert_false(http_write_request(&out, "GET", "/a b", "h", NULL, 0, TEXT(""), NULL));
    assert_false(http_write_request(&out, "GET", "/\r\nX: y", "h", NULL, 0, TEXT(""), NULL));
    assert_false(http_write_request(&out, "GET", "/", "h", &bad, 1, TEXT(""), NULL));

    assert_int_equal(out.size, 0);
}

TEST(addresses_are_read_in_each_of_their_forms) {
    static const struct {
        const char *text, *host;
        uint16_t port;
    } cases[] = {
        {"10.0.0.1:5051", "10.0.0.1", 5051}, {"host", "host", 5050}, {"//host:1/", "host", 1},
        {"http://host:2", "host", 2},        {"[::1]:7", "::1", 7},  {"[::1]", "::1", 5050},
        {"fe80::1", "fe80::1", 5050},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct address address;
        assert_true(address_parse(text_of(cases[i].text), 5050, &address, NULL));
        assert_string_equal(address.host, cases[i].host);
        assert_int_equal(address.port, cases[i].port);
    }
}

TEST(what_is_no_address_is_refused) {
    static const char *const wrong[] = {"",      ":80",  "h:",    "h:x",     "h:65536", "h:-1",
                                        "a b:1", "[::1", "a:b:c", "h:80:80", "[a:b]:1"};
    struct address address;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(address_parse(text_of(wrong[i]), 1, &address, NULL));
}
