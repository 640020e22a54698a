house_test(allocator/allocator LINKS allocator)
set(pool_sources ${PROJECT_SOURCE_DIR}/tests/unit/allocator/pool.c ${PROJECT_SOURCE_DIR}/tests/unit/allocator/twin.c
    ${PROJECT_SOURCE_DIR}/tests/unit/allocator/random_tree.c)
set(guarantee_sources ${pool_sources} ${PROJECT_SOURCE_DIR}/tests/unit/allocator/guarantee.c)
house_test(allocator/tree LINKS allocator SOURCES ${pool_sources})
house_test(allocator/tree_twin LINKS allocator SOURCES ${pool_sources})
house_test(allocator/tree_property LINKS allocator SOURCES ${pool_sources})
house_test(allocator/tree_guarantee LINKS allocator SOURCES ${guarantee_sources})
house_test(allocator/tree_latecomer LINKS allocator SOURCES ${guarantee_sources})
house_test(allocator/policies LINKS allocator)
house_test(allocator/quota_book LINKS allocator)
house_test(allocator/simulate/cluster SOURCES ${PROJECT_SOURCE_DIR}/tests/unit/allocator/simulate/cluster.c
    LINKS simulate m)
house_test(allocator/simulate/simulation LINKS simulate)

set(allocator_world ${PROJECT_SOURCE_DIR}/tests/unit/allocator/allocator_world.c)
foreach(part crowd demand explain history numbers policies rules sated slices yield)
    house_test(allocator/allocator_${part} LINKS allocator SOURCES ${allocator_world})
endforeach()
