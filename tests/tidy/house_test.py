#!/usr/bin/env python3
"""Shows every rule of house.py a good and a bad sample, so that a rule which never complains is found."""

import unittest

import house


def complaints(path, text, rule):
    return [what for _, name, what in house.check(path, text, [rule])]


class HouseTest(unittest.TestCase):
    def refused(self, path, text, rule):
        self.assertTrue(complaints(path, text, rule), f"{rule} said nothing about {text!r}")

    def accepted(self, path, text, rule):
        self.assertEqual([], complaints(path, text, rule))

    def includes(self, path, include, allowed):
        line = f"#include {include}\n"
        (self.accepted if allowed else self.refused)(path, line, "arrows")

    def test_the_arrows_point_one_way_only(self):
        for path, include, allowed in [
            ("src/common/base/a.c", '"common/base/mem.h"', True),
            ("src/common/base/a.c", '"common/model/ids.h"', False),
            ("src/common/model/a.c", '"common/wire/json.h"', False),
            ("src/common/wire/a.c", '"common/model/ids.h"', True),
            ("src/common/wire/a.c", '"common/runtime/loop.h"', False),
            ("src/common/runtime/a.c", '"common/base/buf.h"', True),
            ("src/common/runtime/a.c", '"common/model/ids.h"', False),
            ("src/allocator/a.c", '"common/model/resources.h"', True),
            ("src/allocator/a.c", '"master/core/master.h"', False),
            ("src/master/core/a.c", '"allocator/drf.h"', True),
            ("src/master/core/a.c", '"master/core/offer_book.h"', True),
            ("src/master/core/a.c", '"common/wire/json.h"', False),
            ("src/master/core/a.c", '"master/shell/main.h"', False),
            ("src/master/shell/a.c", '"master/core/master.h"', True),
            ("src/master/shell/a.c", '"agent/core/agent.h"', False),
            ("src/agent/shell/a.c", '"master/core/master.h"', False),
            ("src/agent/core/a.c", '"common/runtime/loop.h"', False),
            ("src/init/main.c", '"init/spec.h"', True),
            ("src/init/main.c", '"common/model/ids.h"', False),
            ("src/frameworks/a.c", "<mesos/scheduler.h>", True),
            ("src/frameworks/a.c", '"common/base/buf.h"', False),
            ("include/mesos/a.h", '"common/base/buf.h"', False),
            ("src/master/core/a.c", '"offer_book.h"', False),
            ("tests/unit/a.c", '"common/base/buf.h"', True),
        ]:
            with self.subTest(path=path, include=include):
                self.includes(path, include, allowed)

    def test_a_library_is_seen_by_its_folder_alone(self):
        for path, include, allowed in [
            ("src/common/runtime/loop.c", "<event2/event.h>", True),
            ("src/master/shell/a.c", "<event2/event.h>", False),
            ("src/common/wire/a.c", "<protobuf-c/protobuf-c.h>", True),
            ("src/master/core/a.c", "<protobuf-c/protobuf-c.h>", False),
            ("src/master/shell/operator.c", '"mesos/v1/master/master.pb-c.h"', True),
            ("src/master/core/a.c", '"mesos/v1/mesos.pb-c.h"', False),
            ("src/zookeeper/shell/a.c", "<zookeeper/zookeeper.h>", True),
            ("src/master/shell/a.c", "<zookeeper/zookeeper.h>", False),
        ]:
            with self.subTest(path=path, include=include):
                self.includes(path, include, allowed)

    def test_what_is_too_long_is_refused(self):
        def function(lines):
            return "int f(void) {\n" + "    g();\n" * (lines - 2) + "}\n"

        self.accepted("src/a.c", function(70), "sizes")
        self.refused("src/a.c", function(71), "sizes")
        self.refused("src/a.c", function(71).replace("(void) {", "(int a,\n      int b) {"), "sizes")
        self.accepted("src/a.c", "static const int table[] = {\n" + "    1,\n" * 80 + "};\n", "sizes")
        self.accepted("src/a.c", "\n" * 800, "sizes")
        self.refused("src/a.c", "\n" * 801, "sizes")
        self.accepted("src/a.c", "x" * 100 + "\n", "sizes")
        self.refused("src/a.c", "x" * 101 + "\n", "sizes")

    def test_a_banned_call_is_refused_and_its_name_elsewhere_is_not(self):
        for name in house.BANNED:
            self.refused("src/a.c", f"    {name}(a, b);\n", "banned_calls")
        self.accepted("src/a.c", '/* strcpy(a) */ print("system(x)"); my_rand(); self->random(1);\n', "banned_calls")
        self.refused("tests/unit/a_test.c", "    sleep(1);\n", "banned_calls")
        self.accepted("src/a.c", "    nanosleep(&t, NULL);\n", "banned_calls")

    def test_a_switch_over_an_enum_has_no_default(self):
        enum = "    switch (state) {\n    case TASK_A:\n        break;\n    default:\n        break;\n    }\n"
        self.refused("src/a.c", enum, "no_default_over_an_enum")
        self.accepted("src/a.c", enum.replace("TASK_A", "'x'"), "no_default_over_an_enum")
        self.accepted("src/a.c", enum.replace("    default:\n        break;\n", ""), "no_default_over_an_enum")

    def test_a_mark_of_unfinished_work_is_refused(self):
        for mark in ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "not " + "implemented"):
            self.refused("src/a.c", f"/* {mark}: later */\n", "no_marks")

    def test_a_typedef_of_a_struct_is_refused(self):
        self.refused("src/a.h", "typedef struct offer offer_t;\n", "no_struct_typedefs")
        self.accepted("src/a.h", "typedef int (*compare)(int a, int b);\n", "no_struct_typedefs")

    def test_a_file_without_its_idea_is_refused(self):
        self.refused("src/a.h", "#pragma once\n", "begins_with_its_idea")
        self.accepted("src/a.h", "/* The idea. */\n#pragma once\n", "begins_with_its_idea")

    def test_untidy_ends_are_refused(self):
        for text in ("int a;", "int a; \n", "\tint a;\n"):
            self.refused("src/a.c", text, "ends_well")

    def test_a_line_is_excused_with_its_reason_and_only_for_the_rule_it_names(self):
        line = "    system(x); /* tidy: %s because the sample needs it */\n"
        self.accepted("src/a.c", line % "banned_calls", "banned_calls")
        self.refused("src/a.c", line % "sizes", "banned_calls")


if __name__ == "__main__":
    unittest.main()
