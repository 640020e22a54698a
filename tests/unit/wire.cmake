foreach(name json messages recordio scan vectors)
    house_test(common/wire/${name} LINKS wire)
    target_compile_options(unit_common_wire_${name} PRIVATE -Wno-deprecated-declarations)
endforeach()
