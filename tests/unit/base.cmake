foreach(name arena buf crc32c error heap map rng text units uuid)
    house_test(common/base/${name} LINKS base)
endforeach()
