house_test(cli/each_journal LINKS cli)
house_test(cli/each_spool LINKS cli)
house_test(cli/each_input LINKS cli)
house_test(cli/json_line LINKS cli)
