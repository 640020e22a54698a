foreach(name spec_writer status_file)
    house_test(agent/container/${name} LINKS container init_parts)
endforeach()
