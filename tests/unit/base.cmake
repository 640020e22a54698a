foreach(name arena buf error heap map rng text units uuid)
    house_test(common/base/${name} LINKS base)
endforeach()
