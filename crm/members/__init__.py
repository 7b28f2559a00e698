"""Member units 成员单位 (第五条, 第八条, 第三十条): their registry, what they were called, what they decide inside."""
