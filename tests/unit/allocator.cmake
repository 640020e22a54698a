house_test(allocator/allocator LINKS allocator)
house_test(allocator/tree LINKS allocator)
house_test(allocator/quota_book LINKS allocator)
