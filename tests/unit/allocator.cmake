house_test(allocator/allocator LINKS allocator)
