house_test(allocator/allocator LINKS allocator)
house_test(allocator/hdrf LINKS allocator)
house_test(allocator/quota_book LINKS allocator)
